// What every page promises, as far as a script can tell.
const rgb = (color) => color.match(/[\d.]+/g).map(Number);
// WCAG 2.2, "relative luminance" and "contrast ratio".
const luminance = ([r, g, b]) => {
  const linear = [r, g, b].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const isDarkAsked = matchMedia('(prefers-color-scheme: dark)').matches;
const behind = (element) => {
  for (let it = element; it; it = it.parentElement) {
    const color = rgb(getComputedStyle(it).backgroundColor);
    if (color.length === 3) return color;
  }
  return isDarkAsked ? [18, 18, 18] : [255, 255, 255];
};
const contrast = (element) => {
  const pair = [rgb(getComputedStyle(element).color), behind(element)].map(luminance);
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
};
const all = (selector) => [...document.querySelectorAll(selector)];
const name = (element) => element.outerHTML.slice(0, 80);
const root = document.documentElement;
const content = document.querySelector('main, body > div');
return {
  headings: all('h1').map((heading) => heading.textContent.trim()),
  lang: root.lang,
  title: document.title,
  isStyled: content !== null && getComputedStyle(content).maxWidth !== 'none',
  isDark: luminance(behind(content)) < 0.2,
  scripts: document.scripts.length,
  unlabelled: all('input:not([type=hidden])').filter((it) => it.labels.length === 0).map(name),
  smallTargets: all('button, input').filter((it) => it.offsetHeight < 44).map(name),
  faintTexts: all('body *')
    .filter((it) => [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((it) => contrast(it) < 4.5)
    .map(name),
  widerBy: root.scrollWidth - root.clientWidth,
};
