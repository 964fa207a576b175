// The page of `ankleboot serve`: one image, many images, and information about the models.

import { acceptedClasses, showAbout } from "./about.js";
import { fetchService } from "./api_client.js";
import { addDropped, listenForManyImages, showBatchLoadError, showBatchModels } from "./batch_view.js";
import { byId } from "./dom.js";
import { listenForDropping, listenForPasting } from "./image_input.js";
import { showTitle } from "./page_title.js";
import { setStatus } from "./prediction_card.js";
import { SAMPLE_CLASSES } from "./sample_images.js";
import { classifyFile, listenForOneImage, showLoadError, showSingleView } from "./single_view.js";
import { listenForTabs, selectTab } from "./tabs.js";

const SECTIONS = ["single", "batch", "about"];
const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

function currentSection() {
  const name = location.hash.slice(1);
  return SECTIONS.includes(name) ? name : "single";
}

function listen() {
  listenForTabs(SECTIONS, (name) => history.replaceState(null, "", `#${name}`));
  addEventListener("hashchange", () => selectTab(SECTIONS, currentSection()));
  listenForDropping([byId("drop"), byId("batch-drop")], (transfer) => {
    const { files } = transfer;
    if (currentSection() === "batch" || files.length > 1) {
      location.hash = "batch";
      addDropped(transfer);
    } else if (files[0]) {
      location.hash = "single";
      classifyFile(files[0]);
    }
  });
  listenForPasting(([file]) => {
    location.hash = "single";
    classifyFile(file);
  });
}

/** Fill in the parts of the page that depend on the models. */
function showModelInfo({ models, default: selected, version }) {
  const model = models.find(({ name }) => name === selected) ?? models[0];
  const isClothes = isClothingModel(model);
  showTitle({ isClothes, data: model.data, labels: acceptedClasses(model), model: model.name });
  byId("draw").hidden = model.crop !== "garment";
  byId("samples-box").hidden = !isClothes;
  byId("about").textContent = `Ankleboot ${version}.`;
  byId("clothes-origin").hidden = !isClothes;
  byId("photos-origin").hidden = !model.photo;
  byId("own-origin").hidden = isClothes;
  byId("own-data").textContent = model.data.replace(/\/$/, "");
}

/** Return whether a model has the classes of Fashion-MNIST and no others. */
function isClothingModel(model) {
  const classes = acceptedClasses(model);
  return model.crop === "garment" && classes.length === SAMPLE_CLASSES.length &&
    SAMPLE_CLASSES.every((name) => classes.includes(name));
}

byId("privacy").textContent = LOCAL_HOSTS.includes(location.hostname)
  ? "Everything runs on this machine: no image leaves it."
  : `Images are sent only to this server (${location.host}), which does not store them.`;
selectTab(SECTIONS, currentSection());
const loading = fetchService((message) => setStatus("Loading …", message));
listen(); // images that come before the models wait for them
listenForManyImages(loading);
listenForOneImage(loading);
loading.then(
  (service) => {
    showModelInfo(service);
    showBatchModels(service);
    showSingleView(service);
    showAbout(service);
  },
  (error) => {
    showLoadError(error);
    showBatchLoadError(error);
  },
);
