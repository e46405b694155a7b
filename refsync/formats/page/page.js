"use strict";
(() => {
  const BATCH = 40;
  const at = (name) => document.getElementById(name);
  const results = at("panel.results"), more = at("panel.more"), status = at("panel.status"), told = at("panel.told");
  const query = at("field.query");
  const fields = { from: at("field.from"), to: at("field.to"), venue: at("field.venue"), tag: at("field.tag"), sort: at("field.sort") };
  const code = at("field.code");
  const topics = [...document.querySelectorAll("a.topic[data-at]")];
  const bars = [...document.querySelectorAll("svg.years a")];
  document.documentElement.classList.add("js");

  // Letters that no decomposition makes plain.
  const PLAIN = { "ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i" };
  const folded = (text) => text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/[łøđßæœı]/g, (one) => PLAIN[one]);

  // The topics at and above each topic, so that an entry counts once for each of them.
  const above = topics.map((one, place) => topics.filter((other) => +other.dataset.at <= place && place <= +other.dataset.last).map((other) => +other.dataset.at));

  // The list that is there without a script is what is searched: each entry is read once, then shown when it matches.
  const entries = [...document.querySelectorAll("li.entry")].map((node, number) => {
    const text = (name) => { const found = node.querySelector(name); return found ? found.textContent : ""; };
    const set = node.dataset, venue = node.querySelector(".venue");
    const title = " " + folded(text(".title")), names = " " + folded(text(".authors"));
    const places = set.topics ? set.topics.split(" ").map(Number) : [];
    const rest = [set.key, set.venue, venue && venue.title, set.year, set.tags, set.also, text(".comment")].map((one) => folded(one || ""));
    return {
      node, number, title, names, key: folded(set.key), year: set.year, venue: set.venue, code: "code" in set,
      tags: set.tags ? set.tags.split("\n") : [], topics: places, within: new Set(places.flatMap((place) => above[place])),
      all: title + "\n" + names + "\n " + rest.join("\n "),
    };
  });
  const headings = topics.map((one) => {
    const found = document.getElementById(decodeURIComponent(one.hash.slice(1)));
    return found ? found.cloneNode(true) : null;
  });
  results.replaceChildren();

  // ------------------------------------------------------------------------------------------------------------
  // What is asked for: the fields, and the part of the address after #

  let topic = null, only = null;

  function asked() {
    return {
      words: folded(query.value).split(/\s+/).filter(Boolean),
      from: fields.from ? fields.from.value : "", to: fields.to ? fields.to.value : "",
      venue: fields.venue ? fields.venue.value : "", tag: fields.tag ? fields.tag.value : "", code: code ? code.checked : false,
    };
  }

  function readAddress() {
    const [place, rest] = location.hash.slice(1).split("?", 2);
    const given = new URLSearchParams(rest || "");
    let name = place;
    try { name = decodeURIComponent(place); } catch { /* not encoded: as it stands */ }
    topic = topics.find((one) => name.startsWith("topic/") && decodeURIComponent(one.hash.slice(1)) === name) || null;
    only = name.startsWith("entry/") ? entries.find((one) => "entry/" + one.node.dataset.key === name) || null : null;
    query.value = given.get("q") || "";
    for (const [one, field] of Object.entries(fields)) if (field) field.value = given.get(one) || "";
    for (const field of Object.values(fields)) if (field && field.selectedIndex < 0) field.value = "";
    if (code) code.checked = given.has("code");
    show();
  }

  let waiting = 0;
  function address() {
    const given = new URLSearchParams();
    if (query.value.trim()) given.set("q", query.value.trim());
    for (const [one, field] of Object.entries(fields)) if (field && field.value) given.set(one, field.value);
    if (code && code.checked) given.set("code", "1");
    const rest = given.toString(), place = only ? "entry/" + encodeURIComponent(only.node.dataset.key) : topic ? topic.hash.slice(1) : "";
    return "#" + place + (rest ? "?" + rest : "");
  }
  // Browsers allow few changes a second: typing is written down once it rests.
  function writeAddress() {
    clearTimeout(waiting);
    waiting = setTimeout(() => history.replaceState(null, "", address()), 300);
  }
  function visit() {
    clearTimeout(waiting);
    history.pushState(null, "", address());
    show();
    if (scrollY > at("list").offsetTop) at("list").scrollIntoView();
  }
  function clear() {
    topic = only = null;
    query.value = "";
    for (const field of Object.values(fields)) if (field) field.value = "";
    if (code) code.checked = false;
    visit();
  }

  // ------------------------------------------------------------------------------------------------------------
  // Which entries match, and in which order

  // How well an entry answers the words; 0 when one of them is nowhere in it.
  function score(entry, words) {
    let sum = 1;
    for (const word of words) {
      if (!entry.all.includes(word)) return 0;
      if (entry.key === word) sum += 9;
      sum += entry.title.includes(" " + word) ? 4 : entry.names.includes(" " + word) ? 3 : entry.all.includes(" " + word) ? 2 : 1;
    }
    return sum;
  }
  const inYears = (entry, wish) => (!wish.from && !wish.to) || (entry.year && (!wish.from || +entry.year >= +wish.from) && (!wish.to || +entry.year <= +wish.to));
  const inTopic = (entry, one) => entry.within.has(+one.dataset.at);

  function matching() {
    const wish = asked(), kept = [], scores = new Map();
    const perTopic = new Array(topics.length).fill(0), perYear = new Map();
    for (const entry of only ? [only] : entries) {
      if (!only && ((wish.venue && entry.venue !== wish.venue) || (wish.tag && !entry.tags.includes(wish.tag)) || (wish.code && !entry.code))) continue;
      const points = only ? 1 : score(entry, wish.words);
      if (!points) continue;
      const years = only || inYears(entry, wish), under = only || !topic || inTopic(entry, topic);
      if (under && entry.year) perYear.set(entry.year, (perYear.get(entry.year) || 0) + 1);
      if (years) for (const place of entry.within) perTopic[place] += 1;
      if (years && under) { kept.push(entry); scores.set(entry, points); }
    }
    const sort = fields.sort.value;
    if (sort === "title") kept.sort((one, other) => one.title.localeCompare(other.title) || one.number - other.number);
    else if (sort) kept.sort((one, other) => (+other.year - +one.year) * (sort === "new" ? 1 : -1) || one.number - other.number);
    else if (wish.words.length) kept.sort((one, other) => scores.get(other) - scores.get(one) || one.number - other.number);
    return { kept, wish, perTopic, perYear, grouped: !sort && !wish.words.length && !only };
  }

  // The rows to show: entries, and headings before them where the list's own order holds.
  function rowsOf(found) {
    if (!found.grouped || !topics.length) return found.kept;
    const under = topics.map(() => []), rest = [];
    for (const entry of found.kept) {
      const places = topic ? entry.topics.filter((place) => place >= +topic.dataset.at && place <= +topic.dataset.last) : entry.topics;
      for (const place of places.slice(0, 1)) under[place].push(entry);
      if (!places.length) rest.push(entry);
    }
    const rows = [];
    under.forEach((some, place) => { if (some.length) rows.push(headings[place], ...some); });
    if (rest.length) rows.push("Other", ...rest);
    return rows;
  }

  // ------------------------------------------------------------------------------------------------------------
  // Showing

  let rows = [], shown = 0, section = null;

  function append(upTo) {
    for (const end = Math.min(rows.length, upTo); shown < end; shown++) {
      const row = rows[shown];
      if (row === null || !row.node || !section) {
        section = document.createElement("section");
        if (row === "Other") { const head = document.createElement("h2"); head.className = "heading"; head.textContent = row; section.append(head); }
        else if (row && !row.node) section.append(row);
        const list = document.createElement("ol");
        list.className = "entries";
        section.append(list);
        results.append(section);
      }
      if (row && row.node) {
        if (!row.node.querySelector(".copies")) row.node.querySelector(".facts").append(at("panel.copy").content.cloneNode(true));
        row.node.tabIndex = -1;
        section.lastElementChild.append(row.node);
      }
    }
    more.hidden = shown >= rows.length;
    highlight();
  }

  function show() {
    const found = matching();
    rows = rowsOf(found);
    shown = 0;
    section = null;
    results.replaceChildren();
    append(BATCH);
    if (!found.kept.length) {
      const none = document.createElement("p");
      none.className = "nothing";
      none.textContent = "Nothing matches. Try fewer words, or clear the filters.";
      results.append(none);
    }
    const number = found.kept.length.toLocaleString("en"), all = entries.length.toLocaleString("en");
    const whole = found.kept.length === entries.length;
    status.textContent = whole ? `${all} entries` : `${number} of ${all} entries `;
    if (!whole) {
      const button = document.createElement("button");
      button.type = "button"; button.className = "quiet"; button.textContent = "Show all";
      button.addEventListener("click", () => { clear(); query.focus(); });
      status.append(button);
    }
    draw(found);
  }

  function draw(found) {
    topics.forEach((one, place) => {
      const all = one.querySelector(".all"), count = one.querySelector(".count"), total = one.dataset.total || (one.dataset.total = count.textContent);
      const here = found.perTopic[place];
      count.textContent = here;
      one.querySelector(".now").setAttribute("width", +total ? all.getAttribute("width") * here / +total : 0);
      if (one === topic) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
    });
    const whole = document.querySelector("a.topic[data-all]");
    if (whole) { if (topic) whole.removeAttribute("aria-current"); else whole.setAttribute("aria-current", "true"); }
    for (const one of bars) {
      const all = one.querySelector(".all"), now = one.querySelector(".now"), label = one.querySelector("title");
      const total = +label.textContent.split(": ")[1], year = { year: one.dataset.year };
      const here = inYears(year, found.wish) ? found.perYear.get(year.year) || 0 : 0;
      const height = total ? all.getAttribute("height") * here / total : 0;
      now.setAttribute("height", height);
      now.setAttribute("y", 100 - height);
    }
  }

  // Marks the words that were found, where the browser can do so without touching the text.
  function highlight() {
    if (!window.Highlight || !CSS.highlights) return;
    const words = asked().words, ranges = [];
    if (words.length) for (const box of results.querySelectorAll(".title, .authors, .venue, .key")) {
      const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode, text = folded(node.data);
        if (text.length !== node.data.length) continue;
        for (const word of words) for (let from = text.indexOf(word); from >= 0; from = text.indexOf(word, from + word.length)) {
          const range = new Range();
          range.setStart(node, from);
          range.setEnd(node, from + word.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  // ------------------------------------------------------------------------------------------------------------
  // Copying

  let references = null, fading = 0;

  function text(entry, as) {
    const key = entry.node.dataset.key;
    if (as === "key") return key;
    if (as === "cite") return `\\cite{${key}}`;
    if (as === "link") return location.href.split("#")[0] + "#entry/" + encodeURIComponent(key);
    references = references || JSON.parse(at("panel.references").textContent);
    return as === "csl" ? JSON.stringify([JSON.parse(references.csl[entry.number])], null, 2) + "\n" : references.bibtex[entry.number];
  }

  async function copy(value, what) {
    try { await navigator.clipboard.writeText(value); } catch { copyByHand(value); }
    told.textContent = `Copied ${what}`;
    told.classList.add("shown");
    clearTimeout(fading);
    fading = setTimeout(() => told.classList.remove("shown"), 1800);
  }

  // For pages on plain http, where browsers keep the clipboard closed.
  function copyByHand(value) {
    const box = document.createElement("textarea"), before = document.activeElement;
    box.value = value;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
    if (before) before.focus();
  }

  const SAID = { cite: "\\cite{}", bibtex: "BibTeX", csl: "CSL-JSON", link: "the link" };
  function copyOf(node, as) {
    const entry = entries.find((one) => one.node === node);
    copy(text(entry, as), as === "key" ? entry.node.dataset.key : `${SAID[as]} of ${entry.node.dataset.key}`);
  }

  // ------------------------------------------------------------------------------------------------------------
  // Hands

  const changed = () => { only = null; show(); writeAddress(); };
  query.addEventListener("input", changed);
  for (const field of [...Object.values(fields), code]) if (field) field.addEventListener("change", changed);
  at("panel.form").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", readAddress);
  addEventListener("popstate", readAddress);
  // A topic or a year is chosen beside what is asked already; as a permalink it stands alone.
  for (const one of document.querySelectorAll("a.topic")) one.addEventListener("click", (event) => {
    event.preventDefault();
    topic = topics.includes(one) ? one : null;
    only = null;
    visit();
  });
  for (const one of bars) one.addEventListener("click", (event) => {
    event.preventDefault();
    const same = fields.from.value === one.dataset.year && fields.to.value === one.dataset.year;
    fields.from.value = fields.to.value = same ? "" : one.dataset.year;
    only = null;
    visit();
  });
  more.addEventListener("click", () => append(shown + BATCH));
  if ("IntersectionObserver" in window) {
    new IntersectionObserver((seen) => { if (seen[0].isIntersecting && !more.hidden) append(shown + BATCH); }, { rootMargin: "600px" }).observe(more);
  }
  addEventListener("beforeprint", () => append(rows.length));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.dataset.as) copyOf(button.closest("li.entry"), button.dataset.as);
    if (button && button.dataset.address) copy(new URL(button.dataset.address, location.href.split("#")[0]).href, "the address of " + button.dataset.address);
  });

  const KEYS = { k: "key", c: "cite", b: "bibtex", j: "csl" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = document.activeElement, typing = here.matches("input, select, textarea"), entry = here.closest("li.entry");
    if (event.key === "/" && !typing) { query.focus(); query.select(); event.preventDefault(); }
    else if (event.key === "Escape") { clear(); query.focus(); }
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (here === query || entry)) step(entry, event);
    else if (entry && here === entry && event.key === "Enter") { const link = entry.querySelector(".title a"); if (link) link.click(); }
    else if (entry && here === entry && KEYS[event.key]) copyOf(entry, KEYS[event.key]);
  });

  function step(entry, event) {
    const list = [...results.querySelectorAll("li.entry")];
    const next = list.indexOf(entry) + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) query.focus(); else if (list[next]) { list[next].focus(); list[next].scrollIntoView({ block: "nearest" }); }
    if (list.length - next < 5) append(shown + BATCH);
    event.preventDefault();
  }

  if (matchMedia("(max-width: 52rem)").matches) at("panel.filters").open = false;
  readAddress();
})();
