// Photos of a form: made small on the telephone, which leaves out where they were taken; shown, and taken away again.

/** @typedef {import('./kept.js').Photo} Photo */

/** So many points the longer side has. */
const LONGEST = 1600;
const QUALITY = 0.8;

/**
 * The same picture, small; as it is where the browser can't.
 * @param {Blob} file
 * @returns {Promise<Photo>}
 */
async function small(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise((done) => { canvas.toBlob(done, 'image/jpeg', QUALITY); });
    if (blob) return { type: 'image/jpeg', bytes: await blob.arrayBuffer() };
  } catch {
    // Whatever it is, the service looks at it.
  }
  return { type: file.type, bytes: await file.arrayBuffer() };
}

/**
 * @param {Photo} photo
 * @param {number} place
 */
function fileOf({ type, bytes }, place) {
  return new File([bytes], `${place + 1}.jpg`, { type });
}

/** The photos of one form. */
export class Photos {
  /** @type {Photo[]} */
  chosen = [];
  /** Done once all that was chosen is small. */
  ready = Promise.resolve();
  /** @type {HTMLInputElement} */
  #input;
  #list = document.createElement('ul');
  #most;

  /** @param {HTMLInputElement} input */
  constructor(input) {
    this.#input = input;
    this.#most = Number(input.dataset.most ?? '9');
    this.#list.className = 'photos';
    input.after(this.#list);
    input.addEventListener('change', () => {
      // One after the other: a telephone's camera brings one at a time.
      const files = [...(input.files ?? [])];
      this.ready = this.ready.then(() => this.#add(files));
    });
  }

  /** @param {Photo[]} photos */
  show(photos) {
    this.chosen = photos.slice(0, this.#most);
    this.#draw();
  }

  /** @param {File[]} files */
  async #add(files) {
    const photos = [];
    for (const file of files) photos.push(await small(file));
    this.show([...this.chosen, ...photos]);
  }

  #draw() {
    const transfer = new DataTransfer();
    this.chosen.forEach((photo, place) => transfer.items.add(fileOf(photo, place)));
    this.#input.files = transfer.files;
    this.#list.replaceChildren(...this.chosen.map((photo, place) => this.#line(photo, place)));
  }

  /**
   * @param {Photo} photo
   * @param {number} place
   */
  #line(photo, place) {
    const [line, picture, away] = [document.createElement('li'), new Image(), document.createElement('button')];
    picture.src = URL.createObjectURL(fileOf(photo, place));
    picture.alt = `照片 ${place + 1}`;
    picture.onload = () => URL.revokeObjectURL(picture.src);
    away.type = 'button';
    away.className = 'quiet';
    away.textContent = '去掉';
    away.setAttribute('aria-label', `去掉照片 ${place + 1}`);
    away.onclick = () => this.show(this.chosen.filter((other) => other !== photo));
    line.append(picture, away);
    return line;
  }
}
