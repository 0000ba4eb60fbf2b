// The view: which part of the drawing the stage shows. It is the viewBox of the SVG.

const MARGIN = 15; // units of the drawing
const LARGEST = 1.5; // pixels a unit

const still = matchMedia('(prefers-reduced-motion: reduce)');

class View {
  constructor(stage) {
    this.stage = stage;
    this.pointers = new Map();
    this.dragged = false;
    this.fitted = true;
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    stage.addEventListener('pointerdown', (event) => this.#press(event));
    stage.addEventListener('pointermove', (event) => this.#drag(event));
    for (const end of ['pointerup', 'pointercancel']) {
      stage.addEventListener(end, (event) => this.#release(event));
    }
    stage.addEventListener('click', (event) => this.#swallow(event), { capture: true });
    new ResizeObserver(() => this.fitted && this.fit({ animate: false })).observe(stage);
  }

  // Show this drawing, all of it.
  attach(svg) {
    this.svg = svg;
    svg.dataset.whole ??= svg.getAttribute('viewBox');
    this.whole = svg.dataset.whole.split(/[\s,]+/).map(Number);
    this.fit({ animate: false });
  }

  fit({ animate = true } = {}) {
    this.#move(this.#frame(), animate);
    this.fitted = true;
  }

  // The whole drawing with a margin for rings; a small one is not blown up without end.
  #frame() {
    const [x, y, width, height] = this.whole;
    const { clientWidth, clientHeight } = this.stage;
    const right = Math.max(MARGIN, (clientWidth / LARGEST - width) / 2);
    const down = Math.max(MARGIN, (clientHeight / LARGEST - height) / 2);
    return [x - right, y - down, width + 2 * right, height + 2 * down];
  }

  // Zoom by a factor; the point of the screen stays where it is, by default the middle.
  zoom(factor, at = this.#center()) {
    const [x, y, width, height] = this.box;
    const shrink = this.#allowed(width / factor) / width;
    const point = this.#user(at);
    this.#move([
      point.x - (point.x - x) * shrink, point.y - (point.y - y) * shrink,
      width * shrink, height * shrink,
    ]);
  }

  // A width of the box within limits: each in units of the drawing and in pixels.
  #allowed(width) {
    const { clientWidth } = this.stage;
    return Math.min(Math.max(width, clientWidth / 10), Math.max(4 * this.whole[2], 8 * clientWidth));
  }

  // Shift the drawing by so many pixels.
  pan(right, down) {
    const [x, y, width, height] = this.box;
    const unit = 1 / this.svg.getScreenCTM().a;
    this.#move([x - right * unit, y - down * unit, width, height]);
  }

  // Bring an element into sight, if it is not.
  reveal(element) {
    const [inner, outer] = [element.getBoundingClientRect(), this.stage.getBoundingClientRect()];
    const seen = inner.left >= outer.left && inner.right <= outer.right
      && inner.top >= outer.top && inner.bottom <= outer.bottom;
    if (!seen) this.#centerOn(middle(inner));
  }

  // How many pixels a unit of the drawing takes, and setting it.
  get scale() { return this.svg.getScreenCTM().a; }
  set scale(wanted) { this.zoom(wanted / this.scale); }

  #centerOn(point) {
    const [, , width, height] = this.box;
    const { x, y } = this.#user(point);
    this.#move([x - width / 2, y - height / 2, width, height], true);
  }

  #move(box, animate = false) {
    cancelAnimationFrame(this.frame);
    this.fitted = false;
    if (animate && this.box && !still.matches) this.#glide(this.box, box, performance.now());
    else this.#show(box);
  }

  #glide(from, to, start) {
    const part = Math.min((performance.now() - start) / 250, 1);
    const eased = 1 - (1 - part) ** 3;
    this.#show(from.map((value, i) => value + (to[i] - value) * eased));
    if (part < 1) this.frame = requestAnimationFrame(() => this.#glide(from, to, start));
  }

  #show(box) {
    this.box = box;
    this.svg.setAttribute('viewBox', box.map((value) => value.toFixed(3)).join(' '));
  }

  #center() { return middle(this.stage.getBoundingClientRect()); }

  #user({ x, y }) { return new DOMPoint(x, y).matrixTransform(this.svg.getScreenCTM().inverse()); }

  #wheel(event) {
    // In a frame that was not entered, the wheel belongs to the page around it.
    if (window !== window.parent && !document.hasFocus()) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    this.zoom(Math.exp(-event.deltaY * lines / 500), { x: event.clientX, y: event.clientY });
  }

  #press(event) {
    if (this.pointers.size === 0) this.dragged = false;
    this.start = { x: event.clientX, y: event.clientY };
    this.pointers.set(event.pointerId, this.start);
  }

  // One pointer pans, two zoom as well.
  #drag(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const before = this.#grip();
    const here = { x: event.clientX, y: event.clientY };
    if (!this.dragged && Math.hypot(here.x - this.start.x, here.y - this.start.y) < 4) return;
    this.dragged = true;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, here);
    const after = this.#grip();
    this.pan(after.x - before.x, after.y - before.y);
    this.zoom(after.spread / before.spread, after);
  }

  // The middle of the pointers, and how far apart they are.
  #grip() {
    const [first, second = first] = this.pointers.values();
    const spread = Math.hypot(first.x - second.x, first.y - second.y) || 1;
    return { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2, spread };
  }

  #release(event) { this.pointers.delete(event.pointerId); }

  // A drag ends in a click, which is not meant.
  #swallow(event) {
    if (this.dragged) event.stopPropagation();
    this.dragged = false;
  }
}

function middle(rect) {
  return { x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 };
}
