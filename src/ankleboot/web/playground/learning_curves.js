// Learning curves as SVG: training as a line, validation as a dashed one.

const HEIGHT = 190, MARGIN = { top: 8, right: 10, bottom: 24, left: 44 }; // pixels
const NUM_TICKS = 5; // intervals of the vertical axis

/**
 * Draw both curves into an SVG.
 *
 * series: { training, validation }, a value for each epoch; limit: largest value of the axis;
 * numEpochs: length of the axis; format: writes a value of the axis.
 */
export function drawCurves(svg, series, { limit, numEpochs, format }) {
  const width = svg.clientWidth || 320;
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const x = (epoch) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * epoch) / numEpochs;
  const share = (value) => (value < limit ? value / limit : 1); // also of a loss that is no number
  const y = (value) => HEIGHT - MARGIN.bottom - (HEIGHT - MARGIN.top - MARGIN.bottom) * share(value);
  const shape = (tag, attributes) => svgElement(svg.namespaceURI, tag, attributes);
  const text = (content, attributes) => {
    const element = shape("text", attributes);
    element.textContent = content;
    return element;
  };
  const parts = [];
  for (let tick = 0; tick <= NUM_TICKS; tick++) {
    const value = (limit * tick) / NUM_TICKS;
    parts.push(shape("line", { class: "grid", x1: x(0), x2: x(numEpochs), y1: y(value), y2: y(value) }));
    parts.push(text(format(value), { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }));
  }
  for (const epoch of [0, numEpochs / 2, numEpochs].filter(Number.isInteger)) {
    const anchor = epoch === numEpochs ? "end" : epoch === 0 ? "start" : "middle";
    parts.push(text(epoch === 0 ? "epoch 0" : `${epoch}`, { x: x(epoch), y: HEIGHT - 6, "text-anchor": anchor }));
  }
  for (const [name, values] of Object.entries(series)) {
    const points = values.map((value, i) => `${x(i + 1).toFixed(1)},${y(value).toFixed(1)}`);
    parts.push(shape("polyline", { class: name, points: points.join(" ") }));
    const [cx, cy] = points.at(-1)?.split(",") ?? [];
    if (points.length) parts.push(shape("circle", { class: name, cx, cy, r: 4 }));
  }
  svg.replaceChildren(...parts);
}

function svgElement(namespace, tag, attributes) {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
