// Keeps an open page up to date. Without it everything is there, after a reload.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const said = document.getElementById("live");
  const OFTEN = 5000, SELDOM = 60000; // milliseconds
  let shown = main.dataset.version;
  let wait = OFTEN;

  const touched = (field) =>
    field.type === "checkbox" || field.type === "radio"
      ? field.checked !== field.defaultChecked
      : field.tagName === "SELECT"
        ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected))
        : field.value !== field.defaultValue;

  // Whoever is at something on the page keeps it as it is.
  const busy = () =>
    main.contains(document.activeElement) ||
    [...main.querySelectorAll("textarea, select, input:not([type=hidden])")].some(touched);

  const ask = async (place, type) => {
    const answer = await fetch(place, { headers: { Accept: type }, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    return answer;
  };

  // What somebody has opened or closed stays so.
  const folds = (within) =>
    new Map([...within.querySelectorAll("details")].map((one, at) => [fold(one, at), one]));
  const fold = (one, at) => one.querySelector("summary")?.textContent.trim() || `${at}`;

  const renew = async () => {
    const page = await (await ask(location.href, "text/html")).text();
    const fresh = new DOMParser().parseFromString(page, "text/html").querySelector("main");
    if (!fresh) throw new Error("no main");
    const before = folds(main);
    for (const [name, one] of folds(fresh)) {
      if (before.has(name)) one.open = before.get(name).open;
    }
    main.replaceChildren(...fresh.childNodes);
    said.textContent = `Brought up to date at ${new Date().toLocaleTimeString()}.`;
  };

  const look = async () => {
    try {
      if (!document.hidden) {
        const { version } = await (await ask(main.dataset.live, "application/json")).json();
        if (version !== shown && busy()) {
          said.textContent = "This page has changed. It follows when you are done here.";
        } else if (version !== shown) {
          await renew();
          shown = version;
        }
      }
      wait = OFTEN;
    } catch {
      wait = Math.min(2 * wait, SELDOM);
    }
    setTimeout(look, wait);
  };
  setTimeout(look, wait);
})();
