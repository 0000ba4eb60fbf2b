// The panel: what is known about the selected card; without one, about the graph.

// An element with these properties and children; every text goes in as text.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function section(title, ...children) {
  return make('section', {}, make('h3', { textContent: title }), ...children);
}

function bar(size) {
  const element = make('span', { className: 'bar' }, make('i'));
  element.style.setProperty('--size', size);
  return element;
}

function plural(count, noun) { return `${count} ${noun}${String(count) === '1' ? '' : 's'}`; }

class Panel {
  // `acts` says what happens: select, open, preview, pin.
  constructor(element, data, acts) {
    this.element = element;
    this.data = data;
    this.acts = acts;
  }

  // Show a card of a drawing, or the graph if there is none.
  show(drawing, card, known) {
    if (drawing === this.drawing && card === this.card && known === this.known) return;
    Object.assign(this, { drawing, card, known });
    const parts = card ? this.#card(card, known) : this.#graph();
    const held = this.element.contains(document.activeElement);
    this.element.replaceChildren(...parts.filter((part) => part !== null));
    this.element.scrollTop = 0;
    if (held) this.element.focus(); // what had the focus is gone
  }

  // Mark the row of the path that stays lit.
  mark(pinned) {
    for (const row of this.element.querySelectorAll('.path')) {
      row.setAttribute('aria-pressed', Number(row.dataset.path) === pinned);
    }
  }

  #gradient(name) { return `∂${this.data.title}/∂${name}`; }

  // ---- a card

  #card(card, known) {
    return [
      this.#head(card),
      card.alert && make('p', { className: 'warning', textContent: `⚠ ${card.alert} here` }),
      make('div', { className: 'facts' },
        fact('▸ value', card.value, 'forward'),
        fact(`◂ error signal ${this.#gradient(card.name)}`, signal(card, known), 'backward')),
      known ? this.#shares(card) : null,
      this.#partials(card),
      this.#crossing(card),
      this.#source(card),
    ];
  }

  #head(card) {
    const clear = make('button', { className: 'clear', textContent: '×', title: 'Clear (Esc)' });
    clear.setAttribute('aria-label', 'Clear the selection');
    clear.addEventListener('click', () => this.acts.select(null));
    return make('header', {},
      make('p', { className: `kind ${card.kind}`, textContent: kindOf(card) }),
      clear,
      make('h2', {}, make('span', { textContent: card.name }),
        make('small', { textContent: card.shape })),
      card.equation === card.name ? null
        : make('p', { className: 'equation', textContent: card.equation }),
      this.#switch(card));
  }

  #switch(card) {
    if (card.state === null) return null;
    const open = make('button', { textContent: `⊞ Open ${card.name}` });
    open.addEventListener('click', () => this.acts.open(card.state, card));
    return open;
  }

  #shares(card) {
    if (card.delta === null) return null;
    const title = card.shares.length > 1 ? 'What its consumers add' : 'Where its error signal is from';
    if (!card.shares.length) return section(title, note('It is the start of the backward sweep.'));
    const rows = card.shares.map((share) => this.#share(share));
    const total = card.shares.length > 1 ? this.#total(card) : null;
    return section(title, make('ul', { className: 'shares' }, ...rows, total));
  }

  #total(card) {
    return make('li', { className: 'total' },
      make('span', { className: 'figure', textContent: card.delta }),
      make('span', { textContent: `sum = ${this.#gradient(card.name)}` }));
  }

  #share(share) {
    return make('li', {}, bar(share.size),
      make('span', { className: 'figure', textContent: share.value }),
      make('span', { className: 'via' }, 'from ', this.#link(share.from),
        make('span', { className: 'local', textContent: ` × ${share.local}` })));
  }

  #partials(card) {
    if (!card.partials.length) return null;
    const rows = card.partials.map((partial) => make('li', {},
      make('span', { className: 'via' }, `∂${card.name}/∂`, this.#link(partial.to), ' = ',
        make('span', { className: 'local', textContent: partial.local })),
      partial.value && make('span', { className: 'figure', textContent: partial.value })));
    return section('Local derivatives', make('ul', { className: 'partials' }, ...rows));
  }

  #crossing(card) {
    const lead = `${plural(card.count, 'path')} from ${this.data.title} to here`;
    const rows = this.data.paths ? this.drawing.crossing(card.id).map((i) => this.#path(i)) : [];
    const title = rows.length ? `; to ${this.data.paths.to} through here:` : '';
    return section('Paths', note(lead + title), ...rows);
  }

  #source(card) {
    const code = card.source && make('code', { textContent: card.source });
    const ops = card.ops ? note(plural(card.ops, 'op')) : null;
    return code || ops ? section('Made by', code, ops) : null;
  }

  #link(id) {
    const link = make('button', { className: 'link', textContent: this.drawing.cards.get(id).name });
    link.addEventListener('click', () => this.acts.select(id));
    link.addEventListener('pointerenter', () => this.acts.hover(id));
    link.addEventListener('pointerleave', () => this.acts.hover(null));
    return link;
  }

  // ---- the graph

  #graph() {
    return [this.#paths(), this.#parameters(), this.#legend()];
  }

  #legend() {
    const { title } = this.data;
    return section('How to read it',
      note('▸ Green: the value of a card, computed from its parents.'),
      note(`◂ Orange: its error signal, how ${title} changes with that value. An orange arrow `
        + 'carries the error signal of a consumer, times the local derivative on it; '
        + 'where arrows meet, the shares add up.'),
      note('Click a card to see how its numbers arise.'));
  }

  #paths() {
    const { paths } = this.data;
    if (!paths) return null;
    const all = paths.rest ? 'its paths' : plural(paths.rows.length, 'path');
    const title = `${this.#gradient(paths.to)} is the sum over ${all}`;
    return section(title, ...paths.rows.map((_, i) => this.#path(i)),
      paths.rest && note(paths.rest),
      make('p', { className: 'sum' },
        make('span', { textContent: `Σ ${this.#gradient(paths.to)}` }),
        make('span', { className: 'figure', textContent: paths.total })),
      paths.check && note(paths.check));
  }

  // A row of the legend: pointing at it lights the path, a click keeps it lit.
  #path(index) {
    const row = this.data.paths.rows[index];
    const button = make('button', { className: 'path' },
      make('span', { className: 'numeral', textContent: row.numeral }),
      make('span', { className: 'route', textContent: row.text }),
      bar(row.size), make('span', { className: 'figure', textContent: row.contribution }));
    button.dataset.path = index;
    button.setAttribute('aria-pressed', false);
    tint(button, row);
    this.#previews(button, index);
    button.addEventListener('click', () => this.acts.pin(index));
    return button;
  }

  #previews(button, index) {
    for (const start of ['pointerenter', 'focus']) {
      button.addEventListener(start, () => this.acts.preview(index));
    }
    for (const end of ['pointerleave', 'blur']) {
      button.addEventListener(end, () => this.acts.preview(null));
    }
  }

  #parameters() {
    const { parameters } = this.data;
    return parameters.length ? section('Parameters', ...parameters.map(parameterRows)) : null;
  }
}

function fact(title, value, direction) {
  return make('div', { className: direction }, make('h3', { textContent: title }),
    make('p', { className: 'figure', textContent: value }));
}

function signal(card, known) {
  if (!known) return 'not reached yet';
  return card.delta ?? '— no gradient flows here';
}

function kindOf(card) { return card.scope ? `${card.kind} in ${card.scope}` : card.kind; }

function note(text) { return make('p', { className: 'note', textContent: text }); }

function parameterRows(parameter) {
  const uses = parameter.uses.map((use) => make('li', {},
    make('span', { textContent: use.label }), bar(use.size),
    make('span', { className: 'figure', textContent: use.text })));
  return make('div', { className: 'parameter' },
    make('p', {}, make('b', { textContent: parameter.name }), ` ${parameter.shape} `,
      make('span', { className: 'forward', textContent: `▸ ${parameter.value}` }),
      make('span', { className: 'backward', textContent: ` ◂ ${parameter.total}` })),
    make('ul', {}, ...uses));
}

// Give an element the colour of a path; the style sheet chooses between light and dark.
function tint(element, row) {
  element.style.setProperty('--light', row.color);
  element.style.setProperty('--dark', row.dark);
}
