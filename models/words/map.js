const { words, points, near } = JSON.parse(document.getElementById("data").textContent);
const [canvas, info, search, missed] = ["map", "info", "search", "missed"].map((id) =>
  document.getElementById(id));
const pen = canvas.getContext("2d");
const FONT = "13px system-ui, sans-serif";
const REACH = 16; // pixels within which a point is under the pointer
let scale = 1, left = 0, top = 0, selected = -1, hovered = -1;

const place = (i) => [left + scale * points[i][0], top + scale * points[i][1]];

function fit() {
  const { clientWidth: width, clientHeight: height } = canvas;
  const spans = [0, 1].map((axis) => Math.max(...points.map((p) => p[axis]), 1e-9));
  scale = Math.min((width - 120) / spans[0], (height - 60) / spans[1]);
  left = (width - scale * spans[0]) / 2;
  top = (height - scale * spans[1]) / 2;
  draw();
}

function zoom(factor, x, y) {
  const next = Math.min(Math.max(scale * factor, 50), 1e6);
  left = x - (x - left) * next / scale;
  top = y - (y - top) * next / scale;
  scale = next;
  draw();
}

function draw() {
  const { clientWidth: width, clientHeight: height } = canvas, dots = devicePixelRatio;
  canvas.width = width * dots;
  canvas.height = height * dots;
  pen.scale(dots, dots);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name);
  const centre = hovered >= 0 ? hovered : selected;
  const lit = new Set(centre >= 0 ? [centre, ...near[centre].map(([i]) => i)] : []);
  pen.strokeStyle = pen.fillStyle = color("--lit");
  for (const i of lit) line(place(centre), place(i));
  const isInside = ([x, y]) => x > -99 && y > -9 && x < width + 9 && y < height + 9;
  const shown = [...words.keys()].filter((i) => isInside(place(i)));
  for (const i of shown) {
    pen.fillStyle = color(lit.has(i) ? "--lit" : "--point");
    dot(place(i), lit.has(i) ? 4 : 2.5);
  }
  label([...lit, ...shown.filter((i) => !lit.has(i))], (i) => color(lit.has(i) ? "--lit" : "--ink"));
}

function line([x, y], [u, v]) {
  pen.globalAlpha = 0.4;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(u, v);
  pen.stroke();
  pen.globalAlpha = 1;
}

function dot([x, y], radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}

/* The first ones have the choice: what would cover another label stays a point. */
function label(order, color) {
  const boxes = [];
  pen.font = FONT;
  for (const i of order) {
    const [x, y] = place(i), width = pen.measureText(words[i]).width;
    const box = [x + 6, x - 6 - width].map((start) => [start - 2, y - 8, start + width + 2, y + 8])
      .find((one) => !boxes.some((other) => meet(one, other)));
    if (!box) continue;
    boxes.push(box);
    pen.fillStyle = color(i);
    pen.fillText(words[i], box[0] + 2, y + 4);
  }
}

const meet = (a, b) => b[0] < a[2] && a[0] < b[2] && b[1] < a[3] && a[1] < b[3];

function at(x, y) {
  const distance = (i) => Math.hypot(place(i)[0] - x, place(i)[1] - y);
  const distances = points.map((_, i) => distance(i));
  const best = distances.reduce((b, d, i) => (d < distances[b] ? i : b), 0);
  return distances[best] < REACH ? best : -1;
}

function element(name, text, children = []) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

function tell() {
  const i = hovered >= 0 ? hovered : selected;
  if (i < 0) {
    info.replaceChildren(element("p", "Point at a word for those most like it; wheel and drag to "
      + "move."));
    return;
  }
  const rows = near[i].map(([j, cosine]) => {
    const button = element("button", words[j]);
    button.addEventListener("click", () => select(j));
    return element("li", "", [button, element("span", cosine.toFixed(2))]);
  });
  info.replaceChildren(element("h2", words[i]), element("p", `number ${i + 1} of ${words.length}; cosines:`),
    element("ol", "", rows));
}

function select(i) {
  selected = i;
  hovered = -1;
  tell();
  draw();
}

function find(text) {
  const wanted = text.trim(), small = wanted.toLowerCase();
  let i = words.indexOf(wanted);
  if (i < 0) i = words.findIndex((word) => word.toLowerCase() === small);
  if (i < 0) i = words.findIndex((word) => word.toLowerCase().startsWith(small));
  missed.textContent = wanted && i < 0 ? `no ${wanted} here` : "";
  select(wanted ? i : -1);
}

let drag = null;
canvas.addEventListener("pointerdown", (event) => {
  drag = { x: event.clientX, y: event.clientY, moved: false };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (drag) {
    const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(x, y) < 4) return;
    [left, top] = [left + x, top + y];
    drag = { x: event.clientX, y: event.clientY, moved: true };
    draw();
  } else {
    hover(at(event.offsetX, event.offsetY));
  }
});
canvas.addEventListener("pointerup", (event) => {
  if (drag && !drag.moved) select(at(event.offsetX, event.offsetY));
  drag = null;
});
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointerleave", () => hover(-1));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.04 : 0.0015)), event.offsetX, event.offsetY);
}, { passive: false });

function hover(i) {
  if (i === hovered) return;
  hovered = i;
  tell();
  draw();
}

search.addEventListener("input", () => find(search.value));
document.getElementById("fit").addEventListener("click", fit);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    search.value = "";
    find("");
  } else if (event.target !== search && event.key === "/") {
    event.preventDefault();
    search.focus();
  } else if (event.target !== search && event.key === "0") fit();
});
addEventListener("resize", fit);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
document.getElementById("words").append(...words.map((word) => new Option(word)));
tell();
fit();
