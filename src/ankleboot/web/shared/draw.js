// A canvas to draw on, with one finger at a time.

/** Make a canvas a pad; `drawn` is called after every stroke and after clearing. */
export function listenForDrawing(pad, clearButton, drawn) {
  const context = pad.getContext("2d", { willReadFrequently: true });
  const clear = () => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, pad.width, pad.height);
  };
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * pad.width) / box.width,
      ((event.clientY - box.top) * pad.height) / box.height,
    ];
  };
  let last = null;
  const stroke = (event) => {
    const next = place(event);
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
  let pen = null; // one finger at a time
  pad.addEventListener("pointerdown", (event) => {
    if (pen !== null || event.button !== 0) return;
    pen = event.pointerId;
    pad.setPointerCapture(pen);
    last = place(event);
    stroke(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId === pen) stroke(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId !== pen) return;
      pen = null;
      drawn(pad);
    });
  }
  clearButton.addEventListener("click", () => {
    clear();
    drawn(pad);
  });
}
