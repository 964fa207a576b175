// How to use the API without this page: commands that work as they stand, for this server.

import { ROOT } from "./api.js";
import { make } from "./dom.js";
import { storedKey } from "./key.js";

export function usage({ models, default: usual }) {
  const other = models.find(({ name }) => name !== usual)?.name ?? usual;
  const key = storedKey() === null ? "" : " -H \"Authorization: Bearer $ANKLEBOOT_API_KEY\"";
  const address = (path) => `'${ROOT}${path}'`;
  const curl = `curl${key}`;
  const picture = "-H 'Content-Type: image/jpeg' --data-binary @boot.jpg";
  return [
    example("One picture", `${curl} ${picture} \\\n  ${address("v1/predict")}`),
    example(`Several, asked of the model ${other}`,
      `${curl} -F one=@boot.jpg -F two=@shirt.png \\\n` +
      `  ${address(`v1/predict?model=${encodeURIComponent(other)}`)}`),
    example("As JSON", `printf '{"images": ["%s"]}' "$(base64 < boot.jpg | tr -d '\\n')" |\n` +
      `  ${curl} -H 'Content-Type: application/json' --data-binary @- \\\n  ${address("v1/predict")}`),
    example("How an answer came about", `${curl} ${picture} \\\n  ${address("v1/explain")}`),
    example("From Python", inPython(key !== "")),
    make("p", {}, "Everything it can be asked: ", make("a", { href: "openapi.json" }, "openapi.json"),
      ". How it is doing: ", key ? "/metrics, with the key" : make("a", { href: "metrics" }, "metrics"), "."),
  ];
}

function inPython(hasKey) {
  const key = hasKey ? `, "Authorization": "Bearer " + os.environ["ANKLEBOOT_API_KEY"]` : "";
  return `import json${hasKey ? ", os" : ""}, urllib.request

with open("boot.jpg", "rb") as file:
    headers = {"Content-Type": "image/jpeg"${key}}
    request = urllib.request.Request("${ROOT}v1/predict", file.read(), headers)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)["predictions"][0]
print(answer["label"], answer["confidence"], answer["reason"])`;
}

function example(title, text) {
  const copy = make("button", { class: "copy" }, "Copy");
  copy.setAttribute("aria-label", `Copy: ${title}`);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Select it"; // no clipboard without https
    }
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  return make("section", { class: "example" }, make("h3", {}, title), copy,
    make("pre", { tabindex: "0" }, make("code", {}, text)));
}
