// The explorer: what is selected, lit and open, and how clicks and keys change it.

const ARROWS = {
  ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 },
};

const byId = (id) => document.getElementById(id);

class Explorer {
  selected = null;
  hovered = null;
  pinned = null;
  previewed = null;
  hits = [];
  drawings = [];

  constructor(data) {
    this.data = data;
    this.stage = byId('stage');
    this.svgs = data.states.map(({ svg }) => (svg ? parsed(svg) : this.stage.querySelector('svg')));
    this.view = new View(this.stage);
    this.panel = new Panel(byId('panel'), data, this.#acts());
    this.sweep = new Sweep(sweepParts(), data.title, () => this.#stepped());
    this.keys = this.#keys();
    this.#offerStates();
    this.#listen();
    this.#show(0);
    this.#refresh();
  }

  // What the panel can make happen.
  #acts() {
    return {
      select: (id) => this.select(id, { reveal: true }),
      open: (state, part) => this.open(state, part),
      hover: (id) => this.hover(id),
      preview: (path) => this.preview(path),
      pin: (path) => this.pin(path),
    };
  }

  // ---- states

  #offerStates() {
    const options = this.data.states.map(({ label }, i) => new Option(label, i));
    byId('state').replaceChildren(...options);
    byId('state').hidden = options.length === 1;
  }

  #show(index) {
    const svg = this.svgs[index];
    this.stage.replaceChildren(svg);
    this.#letGo();
    this.view.attach(svg);
    this.drawing = this.drawings[index] ??= new Drawing(svg, this.data.states[index]);
    this.sweep.attach(this.drawing);
    byId('state').value = index;
  }

  // Change to another state. The part that opens or closes keeps its place on the screen.
  open(index, part = this.drawing.cards.get(this.selected)) {
    const { fitted, scale } = this.view;
    const before = part && middle(part.element.getBoundingClientRect());
    const focused = this.stage.contains(document.activeElement);
    this.#show(index);
    const twin = this.#twin(part);
    if (!this.drawing.cards.has(this.selected)) this.selected = this.#asCard(twin);
    if (focused) twin?.element.focus({ preventScroll: true });
    if (!fitted) this.#keepPlace(scale, twin, before);
    this.#search();
  }

  // What a part became: a card its cluster, a cluster its card. Both have the id of the scope.
  #twin(part) { return this.drawing.cards.get(part?.id) ?? this.drawing.clusters.get(part?.id); }

  #asCard(twin) { return this.selected && this.drawing.cards.has(twin?.id) ? twin.id : null; }

  #keepPlace(scale, part, before) {
    this.view.scale = scale;
    if (!part) return;
    const after = middle(part.element.getBoundingClientRect());
    this.view.pan(before.x - after.x, before.y - after.y);
  }

  // ---- what is chosen

  select(id, { reveal = false } = {}) {
    this.selected = id;
    this.#letGo();
    if (id && reveal) this.view.reveal(this.drawing.cards.get(id).element);
    if (id) this.#togglePanel(true);
    this.#refresh();
  }

  // What the pointer was on may be gone without a farewell.
  #letGo() {
    this.hovered = null;
    this.previewed = null;
  }

  hover(id) {
    this.hovered = id;
    this.#paint();
  }

  preview(path) {
    this.previewed = path;
    this.#paint();
  }

  pin(path) {
    this.pinned = this.pinned === path ? null : path;
    this.previewed = null;
    this.#paint();
  }

  #stepped() {
    if (this.sweep.current) this.view.reveal(this.drawing.cards.get(this.sweep.current).element);
    this.#refresh();
  }

  // ---- what is seen

  #refresh() {
    const card = this.drawing.cards.get(this.selected);
    this.panel.show(this.drawing, card, !card || this.sweep.reached(card.id));
    this.#paint();
  }

  #paint() {
    const path = this.previewed ?? (this.hovered ? null : this.pinned);
    const kept = this.#kept(path);
    this.drawing.svg.classList.toggle('dim', kept !== null);
    for (const card of this.drawing.cards.values()) this.#paintCard(card, kept);
    for (const wire of this.drawing.wires) this.#paintWire(wire, kept, path);
    this.panel.mark(this.pinned);
    this.#caption(path);
  }

  // What stays bright while the rest is dimmed; null if nothing is.
  #kept(path) {
    if (path !== null) return this.drawing.along(path);
    return this.hovered ? this.drawing.around(this.hovered) : null;
  }

  #paintCard({ id, name, value, delta, element }, kept) {
    const reached = this.sweep.reached(id);
    flag(element, {
      kept: kept?.cards.has(id), selected: id === this.selected, unreached: !reached,
      current: id === this.sweep.current, hit: this.hits.includes(id),
    });
    const signal = reached ? delta ?? 'none' : 'not reached yet';
    element.setAttribute('aria-label', `${name}, value ${value}, error signal ${signal}`);
    element.setAttribute('aria-pressed', id === this.selected);
  }

  #paintWire(wire, kept, path) {
    const { parent, child, paths, forward, backward } = wire;
    const lit = path !== null && paths.includes(path);
    const shares = this.drawing.cards.get(parent).shares;
    const carries = path === null && parent === this.sweep.current
      && shares.some((share) => share.from === child);
    const bright = kept?.wires.has(wire);
    flag(forward, { kept: bright && path === null });
    flag(backward, { kept: bright, lit, carries, unreached: !this.sweep.reached(parent) });
    if (lit && backward) tint(backward, this.data.paths.rows[path]);
  }

  #caption(path) {
    const key = [this.#index, this.sweep.at, path].join();
    if (key === this.captioned) return; // or a screen reader would read it again
    this.captioned = key;
    const { title, paths } = this.data;
    const parts = path === null ? this.sweep.caption()
      : product(this.drawing, path, paths.rows[path], title, paths.to);
    byId('caption').replaceChildren(...parts);
  }

  // ---- search

  #search() {
    const wanted = folded(byId('search').value.trim());
    const matches = ({ name, equation, kind, source }) => (
      folded([name, equation, kind, source ?? ''].join('\n')).includes(wanted));
    this.hits = wanted ? this.data.states[this.#index].cards.filter(matches).map(({ id }) => id) : [];
    this.#count(wanted);
    this.#refresh();
  }

  get #index() { return this.drawings.indexOf(this.drawing); }

  #count(wanted) {
    const at = this.hits.indexOf(this.selected) + 1;
    const found = at ? `${at}/${this.hits.length}` : plural(this.hits.length, 'hit');
    byId('hits').textContent = wanted ? found : '';
  }

  // Go to the next hit, or with -1 to the one before.
  #nextHit(by) {
    const count = this.hits.length;
    if (!count) return;
    const at = this.hits.indexOf(this.selected);
    this.select(this.hits[at < 0 ? 0 : (at + by + count) % count], { reveal: true });
    this.#count(true);
  }

  #searchKey(event) {
    if (event.key === 'Enter') this.#nextHit(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape') this.#leaveSearch();
    event.stopPropagation();
  }

  #leaveSearch() {
    byId('search').value = '';
    byId('search').blur();
    this.#search();
  }

  // ---- clicks and keys

  #listen() {
    const { stage } = this;
    stage.addEventListener('click', ({ target }) => this.#click(target));
    stage.addEventListener('dblclick', ({ target }) => this.#openCard(this.#cardAt(target)));
    stage.addEventListener('pointerover', ({ target }) => this.#pointAt(target));
    stage.addEventListener('pointerleave', () => this.hover(null));
    stage.addEventListener('focusin', ({ target }) => this.#focus(target));
    document.addEventListener('keydown', (event) => this.#key(event));
    byId('search').addEventListener('input', () => this.#search());
    byId('search').addEventListener('keydown', (event) => this.#searchKey(event));
    byId('state').addEventListener('change', ({ target }) => this.open(Number(target.value)));
    byId('zoom-in').addEventListener('click', () => this.view.zoom(1.3));
    byId('zoom-out').addEventListener('click', () => this.view.zoom(1 / 1.3));
    byId('fit').addEventListener('click', () => this.view.fit());
    byId('toggle').addEventListener('click', () => this.#togglePanel());
    byId('help').addEventListener('click', () => byId('keys').showModal());
    byId('close').addEventListener('click', () => byId('keys').close());
  }

  #cardAt(target) { return this.drawing.cards.get(target.closest('.node')?.id); }

  #clusterAt(target) { return this.drawing.clusters.get(target.closest('.cluster')?.id); }

  #click(target) {
    const card = this.#cardAt(target);
    const isSwitch = target.closest('.switch') !== null;
    if (isSwitch) this.#openPart(card ?? this.#clusterAt(target));
    else this.select(card?.id ?? null);
  }

  #openPart(part) { this.open(part.state, part); }

  #openCard(card) { if (card && card.state !== null) this.#openPart(card); }

  #pointAt(target) {
    const id = this.#cardAt(target)?.id ?? null;
    if (id !== this.hovered) this.hover(id);
  }

  #focus(target) {
    if (target.matches(':focus-visible')) this.view.reveal(target);
  }

  #keys() {
    return {
      ' ': () => this.sweep.toggle(),
      ',': () => this.sweep.step(-1),
      '.': () => this.sweep.step(1),
      '+': () => this.view.zoom(1.3),
      '=': () => this.view.zoom(1.3),
      '-': () => this.view.zoom(1 / 1.3),
      f: () => this.view.fit(),
      0: () => this.view.fit(),
      '/': () => byId('search').select(),
      p: () => this.#togglePanel(),
      '?': () => byId('keys').showModal(),
      Enter: () => this.#enter(document.activeElement),
      Escape: () => this.#clear(),
    };
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || takesItself(event)) return;
    const act = this.keys[event.key] ?? this.#arrow(event.key) ?? this.#digit(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #arrow(key) { return ARROWS[key] && (() => this.#go(ARROWS[key])); }

  #digit(key) {
    const path = Number.parseInt(key, 10) - 1;
    return this.data.paths?.rows[path] && (() => this.pin(path));
  }

  // Go to the card in this direction; from nowhere, to the loss.
  #go(direction) {
    const from = this.#cardAt(document.activeElement)?.id ?? this.selected;
    const to = from ? this.drawing.towards(from, direction) : this.drawing.state.order[0];
    if (!to) return;
    this.select(to, { reveal: true });
    this.drawing.cards.get(to).element.focus({ preventScroll: true });
  }

  // The first time Enter selects a card; then it opens what can be opened.
  #enter(target) {
    const card = this.#cardAt(target);
    const cluster = this.#clusterAt(target);
    if (cluster) this.#openPart(cluster);
    else if (card && card.id === this.selected) this.#openCard(card);
    else if (card) this.select(card.id);
  }

  #clear() {
    if (this.pinned === null) this.select(null);
    else this.pin(this.pinned);
  }

  #togglePanel(open = document.body.classList.contains('panel-closed')) {
    document.body.classList.toggle('panel-closed', !open);
    byId('toggle').setAttribute('aria-expanded', open);
  }
}

// Whether the element with the focus has a use of its own for a key.
function takesItself({ key, target }) {
  if (target.closest('dialog, select')) return true;
  if (target.matches('button')) return key === ' ' || key === 'Enter';
  return target.matches('input[type=range]') && key.startsWith('Arrow');
}

// Turn classes of an element on and off; there may be no element.
function flag(element, classes) {
  for (const [name, on] of Object.entries(classes)) element?.classList.toggle(name, Boolean(on));
}

// Texts as they are compared: without accents, primes and signs as they are typed.
function folded(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('′', "'").replaceAll('−', '-')
    .toLowerCase();
}

// The drawings were made by the renderer, not by the user, and parsing runs no scripts.
function parsed(svg) { return new DOMParser().parseFromString(svg, 'text/html').querySelector('svg'); }

function sweepParts() {
  const names = ['slider', 'count', 'back', 'play', 'forth'];
  return Object.fromEntries(names.map((name) => [name, byId(name)]));
}

document.body.classList.remove('scriptless');
new Explorer(JSON.parse(byId('data').textContent));
