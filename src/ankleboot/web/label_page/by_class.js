// Images sorted by class: many are accepted at once, and those that do not belong are left out.

import { byId, make } from "./dom.js";
import { percent } from "./format.js";
import { get, getFile, imageUrl, post } from "./session_client.js";

const PAGE = 48; // images shown at a time
const THUMBNAIL = 160;
const SMALL = 96; // pixels; smaller images are drawn with sharp pixels

export class ByClass {
  #start = 0;
  #items = [];
  #left = new Set(); // rows that are not accepted
  #total = 0;

  constructor({ session, showProgress, showFault }) {
    Object.assign(this, { session, showProgress, showFault });
    for (const name of session.classes) byId("class-select").append(make("option", { value: name }, name));
    const isNew = session.mode === "new";
    byId("sorted-hint").textContent = isNew
      ? "New images by predicted class, the surest first. Choose those that do not belong, then accept the others."
      : "Images by label, the most doubtful first. Choose those that do not belong, then keep the others.";
    const listen = (id, event, action) => byId(id).addEventListener(event, () => action().catch(showFault));
    listen("class-select", "change", () => this.open());
    listen("accept", "click", () => this.#accept());
    listen("more", "click", () => this.#more());
    listen("export", "click", () => this.#export());
  }

  async open() {
    this.#start = 0;
    await this.#load();
  }

  async #load() {
    const query = { start: this.#start, count: PAGE, class: this.#className(), open: 1 };
    const { items, total } = await get("items", query);
    this.#items = items;
    this.#total = total;
    this.#left.clear();
    byId("grid").replaceChildren(...items.map((item) => this.#cell(item)));
    byId("grid-empty").hidden = items.length > 0;
    byId("more").disabled = total <= PAGE;
    this.#count();
  }

  #cell(item) {
    const image = make("img", { alt: "" });
    imageUrl("shown", item.row, THUMBNAIL).then((url) => {
      image.src = url;
      image.decode().then(() => image.classList.toggle("small", image.naturalWidth <= SMALL), () => {});
    }, this.showFault);
    const predictions = item.model?.predictions ?? item.predictions;
    const [[predicted, share] = ["", 0]] = predictions;
    const texts = [
      make("span", { class: "share" }, predicted ? `${predicted} ${percent(share)}` : "no prediction"),
      make("span", { class: "file", title: item.name }, item.name),
    ];
    const button = make("button", { "aria-pressed": "true" }, image, ...texts);
    button.addEventListener("click", () => {
      const isLeft = !this.#left.delete(item.row);
      if (isLeft) this.#left.add(item.row);
      button.setAttribute("aria-pressed", !isLeft);
      this.#count();
    });
    return make("li", {}, button);
  }

  #count() {
    const number = this.#items.length - this.#left.size;
    byId("accept").disabled = number === 0;
    byId("accept").textContent = `Accept ${number} as ${this.#className()}`;
    const others = this.#total - this.#items.length;
    byId("more").textContent = others > 0 ? `Show others (${others.toLocaleString("en")})` : "Show others";
  }

  async #accept() {
    const rows = this.#items.map(({ row }) => row).filter((row) => !this.#left.has(row));
    const { progress } = await post("decide", { rows, label: this.#className() });
    this.showProgress(progress);
    this.#start += this.#left.size; // those stay open, and are passed over
    if (this.#start >= this.#total - rows.length) this.#start = 0;
    await this.#load();
  }

  async #more() {
    this.#start = this.#start + PAGE < this.#total ? this.#start + PAGE : 0;
    await this.#load();
  }

  async #export() {
    const link = make("a", { download: "predictions.csv" });
    link.href = URL.createObjectURL(await getFile("predictions.csv"));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  #className() {
    return byId("class-select").value;
  }
}
