// Files with their paths below a chosen or dropped folder.

const IMAGE_NAME = /\.(png|jpe?g|jpe|jfif|webp|gif|bmp|tiff?|p[bgpn]m|hei[cf]|avif)$/i;

export function withNames(files) {
  return files.map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** Keep files with the suffix of an image, sorted by name; hidden ones are left out. */
export function imageFiles(named) {
  return named
    .filter(({ name }) => IMAGE_NAME.test(name) && !/(^|\/)\./.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Return all dropped files; from folders, only images. */
export async function droppedFiles({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return withNames([...files]);
  const named = await Promise.all(entries.map(walk));
  return imageFiles(named.flat());
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ name: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = entry.createReader();
  const named = [];
  for (;;) { // browsers return about 100 entries per call
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return named;
    for (const child of entries) named.push(...(await walk(child)));
  }
}
