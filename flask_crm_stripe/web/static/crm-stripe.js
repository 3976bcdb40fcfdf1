// Adds to pages that work without it: live status, running totals, select all, copy, menus, "Sending…".
(() => {
  "use strict";
  if (window.crmStripe) return;
  window.crmStripe = true;

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = () => document.querySelector(".crm-stripe");

  // Live status: one small question for everything on the page, quicker while things move.
  const FAST = 5000, SLOW = 60000;
  let wait = FAST, tag = null, pageTag = null, timer = 0, stopped = false, asking = false;

  const names = () => [...new Set(all("[data-cs-live]").map((element) => element.dataset.csLive))];

  const ask = async () => {
    clearTimeout(timer);
    const source = document.querySelector("[data-cs-status-url]");
    const ids = names();
    if (stopped || asking || document.hidden || !source) return;
    const moving = document.querySelector("[data-cs-moving]");
    if (!ids.length && !moving) return;
    asking = true;
    try {
      if (moving) await refresh();
      if (!ids.length) return void (wait = Math.min(wait * 1.5, SLOW));
      const url = new URL(source.dataset.csStatusUrl, location.href);
      url.searchParams.set("ids", ids.join(","));
      const headers = { Accept: "application/json", ...(tag ? { "If-None-Match": tag } : {}) };
      const answer = await fetch(url, { headers, credentials: "same-origin", cache: "no-store" });
      if ([401, 403, 404].includes(answer.status) || answer.redirected) return stop();
      if (answer.status === 200) {
        tag = answer.headers.get("ETag");
        wait = (await show((await answer.json()).invoices)) ? FAST : Math.min(wait * 1.5, SLOW);
      } else {
        wait = Math.min(wait * 1.5, SLOW);
      }
    } catch {
      wait = Math.min(wait * 2, SLOW);
    } finally {
      asking = false;
      if (!stopped) timer = setTimeout(ask, wait);
    }
  };

  const stop = () => {
    stopped = true;
    const line = document.querySelector("[data-cs-stopped]");
    if (line) line.hidden = false;
  };

  const show = async (invoices) => {
    const news = invoices.filter((invoice) => all(`[data-cs-live="${CSS.escape(invoice.id)}"]`).some(
      (element) => element.dataset.csVersion && element.dataset.csVersion !== String(invoice.version)));
    for (const invoice of news) {
      for (const element of all(`[data-cs-live="${CSS.escape(invoice.id)}"]`)) swap(element, invoice);
    }
    if (news.length) {
      await refresh();
      say(news.map((invoice) => invoice.sentence).join(" "));
    }
    return news.length > 0;
  };

  const swap = (element, invoice) => {
    if (element.dataset.csVersion) element.dataset.csVersion = String(invoice.version);
    const part = element.dataset.csPart;
    if (part === "status") {
      element.textContent = invoice.word;
      element.className = `cs-pill cs-pill-${invoice.tone}${invoice.hollow ? " cs-hollow" : ""}`;
    } else if (part && part in invoice) {
      element.textContent = invoice[part];
    }
  };

  // A page that shows more than a status brings its regions up to date from its own address.
  const refresh = async () => {
    const regions = all("[data-cs-region]");
    if (!regions.length) return;
    const headers = pageTag ? { "If-None-Match": pageTag } : {};
    const answer = await fetch(location.href, { headers, credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) return; // 304, too: nothing is new.
    pageTag = answer.headers.get("ETag");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of regions) {
      const twin = fresh.querySelector(`[data-cs-region="${CSS.escape(region.dataset.csRegion)}"]`);
      const focus = region.contains(document.activeElement) ? document.activeElement : null;
      const inUse = region.querySelector("details[open]") || focus?.matches("input, select, textarea");
      if (!twin || inUse || twin.innerHTML === region.innerHTML) continue;
      region.replaceChildren(...twin.childNodes);
      if (focus) region.querySelector("a, button, summary")?.focus();
    }
  };

  const say = (sentence) => {
    const region = document.querySelector("[data-cs-polite]");
    if (region) region.textContent = sentence;
  };

  // Billables: which lines are chosen, and what they come to, per currency.
  const total = (form) => {
    const line = form.querySelector("[data-cs-chosen]");
    if (!line) return;
    const boxes = all("input[name=billable]", form);
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr").classList.toggle("cs-chosen", box.checked);
    const every = form.querySelector("[data-cs-all]");
    if (every) {
      const done = boxes.filter((box) => !box.matches("[data-cs-advance]"));
      every.checked = done.length > 0 && done.every((box) => box.checked);
      every.indeterminate = chosen.length > 0 && !every.checked;
    }
    const sums = new Map();
    for (const { dataset } of chosen) {
      const sum = sums.get(dataset.csCurrency) || { minor: 0, power: Number(dataset.csPower), places: Number(dataset.csPlaces) };
      sum.minor += Number(dataset.csAmount);
      sums.set(dataset.csCurrency, sum);
    }
    const lang = line.closest("[lang]")?.lang || undefined;
    const words = [...sums].map(([currency, { minor, power, places }]) => {
      const figure = new Intl.NumberFormat(lang, { minimumFractionDigits: places, maximumFractionDigits: places });
      return `${figure.format(Math.abs(minor) / 10 ** power).replace(/^/, minor < 0 ? "−" : "")}\u00a0${currency}`;
    });
    const { csNone: none, csOne: one, csMany: many } = line.dataset;
    const count = chosen.length === 1 ? one : many.replace("{n}", String(chosen.length));
    line.querySelector("[data-cs-count]").textContent = chosen.length ? `${count}, ${words.join(" + ")}` : none;
    line.querySelector("[data-cs-after]").hidden = !chosen.length;
    const several = line.querySelector("[data-cs-several]");
    if (several) several.hidden = sums.size < 2;
    for (const button of all("[data-cs-needs]", form)) button.disabled = sums.size !== 1;
  };

  const relative = () => {
    for (const element of all("time[data-cs-ago]")) {
      const seconds = Math.round((new Date(element.dateTime) - Date.now()) / 1000);
      const [size, unit] = [[31557600, "year"], [2629800, "month"], [86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => Math.abs(seconds) >= size) || [1, "second"];
      const lang = element.closest("[lang]")?.lang || undefined;
      element.textContent = new Intl.RelativeTimeFormat(lang).format(Math.min(0, Math.trunc(seconds / size)), unit);
    }
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-cs-billables]");
    if (!form) return;
    if (event.target.matches("[data-cs-all]")) all("input[name=billable]", form).forEach((box) => { box.checked = event.target.checked && !box.matches("[data-cs-advance]"); });
    total(form);
  });

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target.method !== "post" || !button || !event.target.closest(".crm-stripe")) return;
    if (event.target.dataset.csSent) return event.preventDefault();
    event.target.dataset.csSent = "1";
    if (button.dataset.csBusy) setTimeout(() => { button.textContent = button.dataset.csBusy; button.disabled = true; });
  });

  document.addEventListener("click", async (event) => {
    for (const menu of all(".crm-stripe .cs-more[open]")) if (!menu.contains(event.target)) menu.open = false;
    const copy = event.target.closest("[data-cs-copy]");
    if (!copy) return;
    const words = copy.textContent;
    await navigator.clipboard.writeText(copy.dataset.csCopy);
    copy.textContent = copy.dataset.csCopied;
    setTimeout(() => { copy.textContent = words; }, 2000);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all(".crm-stripe .cs-more[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) { wait = FAST; ask(); } });
  addEventListener("pageshow", (event) => {
    if (event.persisted) all("form[data-cs-sent]").forEach((form) => { delete form.dataset.csSent; });
  });

  const start = () => {
    if (!root()) return;
    all("form[data-cs-billables]").forEach(total);
    all("[data-cs-copy]").forEach((button) => { button.hidden = false; });
    document.querySelector(".cs-navigation [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    document.querySelector("[data-cs-focus]")?.focus();
    relative();
    setInterval(relative, 30000);
    timer = setTimeout(ask, FAST);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
