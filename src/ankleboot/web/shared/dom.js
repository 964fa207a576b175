// Elements in one expression. Whatever comes from a server, a file or a person becomes text.

export const byId = (id) => document.getElementById(id);

/** An element; `properties` are attributes, children are elements or texts. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Decode a PNG that came as base64. */
export async function pictureOfBase64(text) {
  const picture = new Image();
  picture.src = `data:image/png;base64,${text}`;
  await picture.decode();
  return picture;
}
