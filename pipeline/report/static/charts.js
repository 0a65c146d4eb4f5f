// Gives charts figures to point at. Without this script they are pictures, and their tables say the same.
// The library is loaded when somebody first points at a chart, and interprets its expressions: the policy forbids eval.
(() => {
  "use strict";
  const OPTIONS = {
    ast: true, actions: false, defaultStyle: false, renderer: "canvas", tooltip: { disableDefaultStyle: true, theme: "custom" },
  };
  let library;

  const loaded = () => (library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/charts/vega.js";
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  }));

  // The same drawing that the browser has chosen, as a definition.
  const definition = async (image) => {
    const url = new URL(image.currentSrc);
    url.pathname = url.pathname.replace(/svg$/, "json");
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.json();
  };

  const enliven = async (image) => {
    const [drawing] = await Promise.all([definition(image), loaded()]);
    const live = document.createElement("div");
    live.className = "live";
    live.setAttribute("aria-hidden", "true"); // the picture's text stays for who listens
    await window.vegaEmbed(live, drawing, OPTIONS);
    const picture = image.closest("picture");
    picture.after(live);
    picture.classList.add("hidden");
  };

  for (const image of document.querySelectorAll("img[data-chart]")) {
    image.addEventListener("pointerenter", () => enliven(image).catch(() => { /* the picture stays */ }), { once: true });
  }
})();
