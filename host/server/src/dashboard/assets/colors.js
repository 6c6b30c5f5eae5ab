// Programs choose colours for grounds of their own: those that cannot be read are moved.

const parts = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

/** Relative luminance, as WCAG 2 has it. */
function luminance(color) {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const readableColors = new Map();

/** The colour, moved towards white or black until it can be read on the background. */
export function readable(color, background) {
  const key = color + background;
  if (!readableColors.has(key)) {
    const ground = luminance(parts(background));
    const towards = ground < 0.18 ? 255 : 0;
    let text = parts(color);
    const contrast = () => {
      const [low, high] = [ground, luminance(text)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    for (let step = 0; step < 20 && contrast() < 4.6; step++) {
      text = text.map((part) => Math.round(part + (towards - part) * 0.15));
    }
    if (readableColors.size > 4096) readableColors.clear();
    readableColors.set(key, `rgb(${text.join(" ")})`);
  }
  return readableColors.get(key);
}
