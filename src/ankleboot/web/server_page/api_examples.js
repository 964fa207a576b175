// Examples of the API for this server; each command works unchanged.

import { ROOT } from "./api_client.js";
import { storedKey } from "./api_key.js";
import { make } from "./dom.js";

const COPIED_MS = 1500; // duration of the confirmation

export function apiExamples({ models, default: selected }) {
  const other = models.find(({ name }) => name !== selected)?.name ?? selected;
  const key = storedKey() === null ? "" : " -H \"Authorization: Bearer $ANKLEBOOT_API_KEY\"";
  const address = (path) => `'${ROOT}${path}'`;
  const curl = `curl${key}`;
  const image = "-H 'Content-Type: image/jpeg' --data-binary @photo.jpg";
  const more = [
    example(`Several images, with the model ${other}`,
      `${curl} -F one=@photo.jpg -F two=@other.png \\\n` +
      `  ${address(`v1/predict?model=${encodeURIComponent(other)}`)}`),
    example("As JSON", `printf '{"images": ["%s"]}' "$(base64 < photo.jpg | tr -d '\\n')" |\n` +
      `  ${curl} -H 'Content-Type: application/json' --data-binary @- \\\n  ${address("v1/predict")}`),
    example("Explanation of a prediction", `${curl} ${image} \\\n  ${address("v1/explain")}`),
    example("From Python", pythonExample(key !== "")),
  ];
  return [
    example("One image", `${curl} ${image} \\\n  ${address("v1/predict")}`),
    make("details", { class: "fold" }, make("summary", {}, "More examples"), ...more),
    make("p", {}, "Reference of the API: ", make("a", { href: "openapi.json" }, "openapi.json"),
      ". Metrics: ", key ? "/metrics, with the key" : make("a", { href: "metrics" }, "metrics"), "."),
  ];
}

function pythonExample(hasKey) {
  const key = hasKey ? `, "Authorization": "Bearer " + os.environ["ANKLEBOOT_API_KEY"]` : "";
  return `import json${hasKey ? ", os" : ""}, urllib.request

with open("photo.jpg", "rb") as file:
    headers = {"Content-Type": "image/jpeg"${key}}
    request = urllib.request.Request("${ROOT}v1/predict", file.read(), headers)
with urllib.request.urlopen(request) as response:
    prediction = json.load(response)["predictions"][0]
print(prediction["label"], prediction["confidence"], prediction["reason"])`;
}

function example(title, text) {
  const copy = make("button", { class: "copy", "aria-label": `Copy: ${title}` }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Select it"; // the clipboard needs HTTPS
    }
    setTimeout(() => (copy.textContent = "Copy"), COPIED_MS);
  });
  return make("section", { class: "example" }, make("h3", {}, title), copy,
    make("pre", { tabindex: "0" }, make("code", {}, text)));
}
