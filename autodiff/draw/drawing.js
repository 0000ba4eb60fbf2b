// A drawing: the SVG of one state, with its cards and wires looked up and made operable.

const SVG = 'http://www.w3.org/2000/svg';

class Drawing {
  constructor(svg, state) {
    this.svg = svg;
    this.state = state;
    // All is measured before anything is changed, or each card would be laid out again.
    const measures = state.cards.map((card) => measured(this.#find(card.id)));
    this.cards = new Map(state.cards.map((card, i) => [card.id, this.#card(card, measures[i])]));
    this.clusters = new Map(state.clusters.map((cluster) => [cluster.id, this.#cluster(cluster)]));
    this.wires = state.wires.map((wire) => this.#wire(wire));
    this.reached = new Map(state.order.map((id, index) => [id, index]));
    this.forwards = this.#forwards();
  }

  #find(id) { return this.svg.querySelector(`#${CSS.escape(id)}`); }

  #card(card, { element, box, signal }) {
    element.querySelector(':scope > title')?.remove(); // the browser would show it as a hint
    Object.entries({ tabindex: 0, role: 'button', 'data-card': card.id })
      .forEach(([name, value]) => element.setAttribute(name, value));
    element.classList.toggle('alert', card.alert !== null);
    for (const part of signal) part.classList.add('signal');
    if (card.state !== null) markSwitch(element, '⊞');
    element.prepend(ring(box, 'halo', 9));
    element.append(ring(box, 'mark', 3), ring(box, 'focus', 13));
    return { ...card, element };
  }

  #cluster(cluster) {
    const element = this.#find(cluster.id);
    element.querySelector(':scope > title')?.remove();
    if (cluster.state !== null) markSwitch(element, '⊟', `Close ${cluster.name}`);
    return { ...cluster, element };
  }

  #wire(wire) {
    const name = `${wire.parent}-${wire.child}`;
    const [forward, backward] = [this.#find(`f-${name}`), this.#find(`b-${name}`)];
    for (const lane of [forward, backward]) lane?.querySelector(':scope > title')?.remove();
    return { ...wire, forward, backward };
  }

  // The direction on the screen in which values flow, as a unit vector along an axis.
  #forwards() {
    let [x, y] = [0, 0];
    for (const { parent, child } of this.wires) {
      const [from, to] = [this.center(parent), this.center(child)];
      x += to.x - from.x;
      y += to.y - from.y;
    }
    return Math.abs(x) >= Math.abs(y) ? { x: Math.sign(x), y: 0 } : { x: 0, y: Math.sign(y) };
  }

  center(id) { return middle(this.cards.get(id).element.getBoundingClientRect()); }

  parents(id) { return this.wires.filter((wire) => wire.child === id).map((wire) => wire.parent); }

  children(id) { return this.wires.filter((wire) => wire.parent === id).map((wire) => wire.child); }

  // The card that an arrow key leads to: a parent, a child, or what lies beside.
  towards(id, { x, y }) {
    const along = x * this.forwards.x + y * this.forwards.y;
    if (along > 0) return this.#nearest(id, this.children(id));
    if (along < 0) return this.#nearest(id, this.parents(id));
    const here = this.center(id);
    const beside = [...this.cards.keys()].filter((other) => {
      const there = this.center(other);
      return (there.x - here.x) * x + (there.y - here.y) * y > 1;
    });
    return this.#nearest(id, beside, { x: y ? 3 : 1, y: x ? 3 : 1 });
  }

  #nearest(id, others, weight = { x: 1, y: 1 }) {
    const here = this.center(id);
    const distance = (other) => {
      const there = this.center(other);
      return Math.hypot((there.x - here.x) * weight.x, (there.y - here.y) * weight.y);
    };
    return others.reduce((best, other) => (
      best === null || distance(other) < distance(best) ? other : best), null);
  }

  // A card with its wires and neighbours.
  around(id) {
    return subgraph(this.wires.filter((wire) => wire.parent === id || wire.child === id), [id]);
  }

  // The wires and cards of a path.
  along(path) { return subgraph(this.wires.filter((wire) => wire.paths.includes(path))); }

  // The wires of a path, from the loss on.
  chain(path) {
    const wires = this.wires.filter((wire) => wire.paths.includes(path));
    const next = (id) => wires.find((wire) => wire.child === id);
    const chain = [];
    for (let wire = next(this.state.order[0]); wire; wire = next(wire.parent)) chain.push(wire);
    return chain;
  }

  // The paths that cross a card.
  crossing(id) {
    const { wires } = this.around(id);
    return [...new Set([...wires].flatMap((wire) => wire.paths))].sort((a, b) => a - b);
  }
}

function subgraph(wires, cards = []) {
  const ends = wires.flatMap((wire) => [wire.parent, wire.child]);
  return { wires: new Set(wires), cards: new Set([...cards, ...ends]) };
}

function measured(element) {
  return { element, box: element.getBBox(), signal: signalOf(element) };
}

// The row of the error signal is what stands at the height of its sign.
function signalOf(card) {
  const sign = [...card.querySelectorAll('text')].find((text) => text.textContent.includes('◂'));
  if (!sign) return [];
  const height = middle(sign.getBoundingClientRect()).y;
  return [...card.querySelectorAll('text, polygon')].filter((part) => {
    const { top, bottom } = part.getBoundingClientRect();
    return top < height && height < bottom;
  });
}

// What opens or closes by a click: the sign, or the whole title where no sign was drawn alone.
function markSwitch(element, sign, label = null) {
  const texts = [...element.querySelectorAll('text')];
  const targets = label ? texts : texts.filter((text) => text.textContent.includes(sign));
  for (const target of targets) target.classList.add('switch');
  if (!label || !targets.length) return;
  const attributes = { tabindex: 0, role: 'button', 'aria-label': label };
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
}

function ring({ x, y, width, height }, name, gap) {
  const box = { x: x - gap, y: y - gap, width: width + 2 * gap, height: height + 2 * gap };
  const rect = document.createElementNS(SVG, 'rect');
  Object.entries({ ...box, rx: gap + 5, class: name })
    .forEach(([attribute, value]) => rect.setAttribute(attribute, value));
  return rect;
}
