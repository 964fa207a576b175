// Files with the names that they have below a chosen or dropped folder.

const SUFFIXES = /\.(png|jpe?g|jpe|jfif|webp|gif|bmp|tiff?|hei[cf]|avif)$/i;

export function namedFiles(files) {
  return files.map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** Those that look like pictures: folders hold other things, too. */
export function pictures(named) {
  const found = named.filter(({ name }) => SUFFIXES.test(name) && !/(^|\/)\./.test(name));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What was dropped: files as they are, and the pictures in folders. */
export async function namedTransfer({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return namedFiles([...files]);
  const named = await Promise.all(entries.map(walk));
  return pictures(named.flat());
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    return [{ name: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // it gives a hundred at a time
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    for (const one of some) found.push(...(await walk(one)));
  }
}
