// A canvas to draw on with one pointer at a time.

/** Make a canvas a drawing pad; `changed` is called after every stroke and after clearing. */
export function listenForDrawing(pad, clearButton, changed) {
  const context = pad.getContext("2d", { willReadFrequently: true });
  const clear = () => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, pad.width, pad.height);
  };
  const positionOf = (event) => {
    const box = pad.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * pad.width) / box.width,
      ((event.clientY - box.top) * pad.height) / box.height,
    ];
  };
  let last = null;
  const stroke = (event) => {
    const next = positionOf(event);
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...next);
    context.stroke();
    last = next;
  };
  clear();
  context.lineWidth = 26;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#333";
  let pointer = null;
  pad.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    pad.setPointerCapture(pointer);
    last = positionOf(event);
    stroke(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId === pointer) stroke(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      changed(pad);
    });
  }
  clearButton.addEventListener("click", () => {
    clear();
    changed(pad);
  });
}
