// The backward sweep: its slider, its clock, and a caption that says what just happened.

const PACE = 1600; // milliseconds a step, enough to read a sum
const MOST = 6; // shares spelt out; the panel lists them all

class Sweep {
  // `moved` is called whenever the step has changed.
  constructor(parts, title, moved) {
    this.parts = parts;
    this.title = title;
    this.moved = moved;
    parts.slider.addEventListener('input', () => this.go(Number(parts.slider.value)));
    parts.back.addEventListener('click', () => this.step(-1));
    parts.forth.addEventListener('click', () => this.step(1));
    parts.play.addEventListener('click', () => this.toggle());
  }

  // Take over a drawing. The sweep stands where it stood: at the last card that both have.
  attach(drawing) {
    const complete = !this.drawing || this.complete;
    const seen = complete ? [] : this.order.slice(0, this.at + 1);
    const steps = seen.map((id) => this.#stepIn(drawing, this.drawing.cards.get(id)));
    this.drawing = drawing;
    this.order = drawing.state.order;
    this.parts.slider.max = this.order.length;
    this.at = complete ? this.order.length : Math.max(steps.findLast((step) => step >= 0) ?? 0, 0);
    this.show();
  }

  // The step of another drawing at which it reaches this card, the group that the card vanished
  // into, or the first card that came out of this group; -1 if there is none.
  #stepIn(drawing, { id, around }) {
    const { order, cards } = drawing.state;
    const step = order.findIndex((other) => other === id || around.includes(other));
    return step >= 0 ? step : cards.findIndex((other) => other.around.includes(id));
  }

  // At the end of the slider every card has its error signal, and none is the current one.
  get complete() { return this.at >= this.order.length; }

  get current() { return this.complete ? null : this.order[this.at]; }

  reached(id) { return this.complete || this.drawing.reached.get(id) <= this.at; }

  step(by) {
    this.pause();
    this.go(this.at + by);
  }

  go(to) {
    this.at = Math.min(Math.max(to, 0), this.order.length);
    if (this.complete) this.pause();
    this.show();
    this.moved();
  }

  toggle() {
    if (this.clock) this.pause();
    else this.#play();
  }

  #play() {
    this.clock = setInterval(() => this.go(this.at + 1), PACE);
    this.parts.play.setAttribute('aria-pressed', true);
    if (this.complete) this.go(0);
  }

  pause() {
    clearInterval(this.clock);
    this.clock = null;
    this.parts.play.setAttribute('aria-pressed', false);
  }

  show() {
    const { slider, count } = this.parts;
    const total = this.order.length;
    slider.value = this.at;
    slider.style.setProperty('--part', this.at / total);
    count.textContent = this.complete ? `all ${total}` : `${this.at + 1} / ${total}`;
    slider.setAttribute('aria-valuetext', this.complete ? 'complete' : this.#card().name);
  }

  #card() { return this.drawing.cards.get(this.current); }

  // What the sweep does at this step, in words and numbers.
  caption() {
    if (this.complete) {
      return [words('The sweep is complete: every card has its error signal ◂. '
        + 'Play it, or step through it, to see the signal flow from '
        + `${this.title} to the inputs and add up where paths meet.`)];
    }
    return this.#sum(this.#card());
  }

  #sum(card) {
    if (card.delta === null) return [words(`No gradient flows to ${card.name}.`)];
    const { shares } = card;
    if (!shares.length) {
      return [words(`The sweep starts at ${card.name}`), equation(card, [])];
    }
    const lead = shares.length === 1
      ? `${this.#name(shares[0].from)} passes its signal on to ${card.name}`
      : `${shares.length} shares meet in ${card.name} and add up`;
    const terms = shares.slice(0, MOST).map((share) => (
      term(share.value, `δ(${this.#name(share.from)}) × ${share.local}`)));
    if (shares.length > MOST) terms.push(sign(`${shares.length - MOST} more`));
    return [words(lead), equation(card, terms)];
  }

  #name(id) { return this.drawing.cards.get(id).name; }
}

function words(text) { return make('p', { className: 'words', textContent: text }); }

function sign(text) { return make('span', { className: 'sign', textContent: text }); }

function term(value, origin, className = 'term') {
  return make('span', { className }, make('b', { textContent: value }),
    make('small', { textContent: origin }));
}

function result(value, origin) { return term(value, origin, 'term result'); }

function joined(terms, between) {
  return terms.flatMap((each, i) => (i ? [sign(between), each] : [each]));
}

// δ(z) = … + … = …, as a row of terms; a single term is the result itself.
function equation(card, terms) {
  const sum = result(card.delta, terms.length ? `◂ error signal of ${card.name}` : 'by definition');
  terms[0]?.classList.toggle('result', terms.length === 1);
  const parts = terms.length > 1 ? [...joined(terms, '+'), sign('='), sum] : [terms[0] ?? sum];
  return make('div', { className: 'equation' }, sign(`δ(${card.name}) =`), ...parts);
}

// A path as the product of its local derivatives.
function product(drawing, path, row, title, to) {
  const factors = drawing.chain(path).map(({ parent, child }) => {
    const { name, partials } = drawing.cards.get(child);
    const local = partials.find((partial) => partial.to === parent)?.local ?? '…';
    return term(local, `∂${name}/∂${drawing.cards.get(parent).name}`);
  });
  const part = result(row.contribution, `its part of ∂${title}/∂${to}`);
  return [words(`Path ${row.numeral} is the product of its local derivatives`),
    make('div', { className: 'equation' }, ...joined(factors, '·'), sign('='), part)];
}
