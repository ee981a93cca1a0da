"use strict";
(() => {
  // Every row is in the page already: here rows are only hidden, put in order, and heard.
  const table = document.querySelector("table.voices");
  const body = table.tBodies[0];
  const form = document.querySelector("form.controls");
  const status = document.querySelector(".status");
  const further = document.querySelector(".further");
  const nothing = document.querySelector(".none");
  const headings = [...table.tHead.querySelectorAll("th[data-key]")];
  const step = Number(table.dataset.step);
  const now = Number(table.dataset.now);
  const gone = new Set(["failed", "deleted", "expired", "lost"]);
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const fold = (text) => text.normalize("NFKC").toLowerCase();

  const rows = [...body.rows].map((element, place) => {
    const data = element.dataset;
    return {
      element,
      place,
      family: data.family,
      state: data.state,
      gone: gone.has(data.state),
      model: data.model,
      owner: data.owner,
      account: data.account,
      tags: data.tags === "[]" ? [] : JSON.parse(data.tags),
      pinned: data.pinned !== undefined,
      unused: (now - Number(data.last)) / 86400,
      out: element.classList.contains("out"),
      more: element.classList.contains("more"),
      text: null,
      keys: {},
    };
  });
  let ordered = rows;
  let room = step;
  // Whether rows that are not drawn stand elsewhere than where they belong.
  let stale = false;

  const searchable = (row) => {
    if (row.text === null) {
      const parts = row.element.getElementsByClassName("s");
      let text = "";
      for (const part of parts) text += part.textContent + "\n";
      row.text = fold(text);
    }
    return row.text;
  };

  // What is searched is read before the first letter is typed, while nothing else is to be done.
  const readAll = () => rows.forEach(searchable);
  if ("requestIdleCallback" in window) requestIdleCallback(readAll, { timeout: 2000 });
  else setTimeout(readAll, 200);

  const wanted = () => {
    const value = (name) => form.elements[name]?.value ?? "";
    const words = fold(value("search")).split(/\s+/).filter(Boolean);
    const [state, unused] = [value("state"), value("unused")];
    const same = ["family", "model", "owner", "account"]
      .map((name) => [name, value(name)])
      .filter((pair) => pair[1] !== "");
    const [tag, pinned] = [value("tag"), value("pinned")];
    return (row) =>
      same.every(([name, one]) => row[name] === one) &&
      (state === "" ||
        (state === "standing" ? !row.gone : state === "gone" ? row.gone : `=${row.state}` === state)) &&
      (tag === "" || row.tags.includes(tag)) &&
      (pinned === "" || row.pinned === (pinned === "yes")) &&
      (unused === "" || row.unused >= Number(unused)) &&
      words.every((word) => searchable(row).includes(word));
  };

  const show = () => {
    const fits = wanted();
    const drawn = [];
    let found = 0;
    for (const row of ordered) {
      const out = !fits(row);
      const more = !out && found >= room;
      if (!out && !more) drawn.push(row.element);
      if (!out) found += 1;
      if (row.out !== out) row.element.classList.toggle("out", (row.out = out));
      if (row.more !== more) row.element.classList.toggle("more", (row.more = more));
    }
    if (stale) body.prepend(...drawn);
    const shown = drawn.length;
    const count = (number) => number.toLocaleString("en");
    const voices = (number) => `${count(number)} ${number === 1 ? "voice" : "voices"}`;
    status.textContent =
      (found < rows.length ? `${count(found)} of ${voices(rows.length)}` : voices(found)) +
      (shown < found ? `; the first ${count(shown)} are shown` : "");
    further.hidden = shown === found;
    nothing.hidden = found !== 0;
    table.hidden = found === 0;
  };

  // Sorting

  const key = (row, name, isNumber) => {
    if (!(name in row.keys)) {
      const cell = row.element.querySelector(`.c-${name}`);
      const shownText = name === "name" ? cell.querySelector(".name") : cell;
      const text = (isNumber ? cell.dataset.k : shownText.textContent).trim();
      row.keys[name] = isNumber && text !== "" ? Number(text) : text;
    }
    return row.keys[name];
  };

  const sort = (name, direction) => {
    const heading = headings.find((one) => one.dataset.key === name);
    const isNumber = heading.dataset.number !== undefined;
    const sign = direction === "ascending" ? 1 : -1;
    ordered = [...rows].sort((one, other) => {
      const [a, b] = [key(one, name, isNumber), key(other, name, isNumber)];
      // What is not known comes last, whichever way round.
      if (a === "" || b === "") return (a === "") - (b === "") || one.place - other.place;
      return sign * (isNumber ? a - b : collator.compare(a, b)) || one.place - other.place;
    });
    for (const one of headings) one.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    form.elements.sort.value = `${name} ${direction}`;
    stale = true;
    room = step;
    show();
  };

  // On paper, all rows are seen: so long it can wait, for moving thousands takes its time.
  addEventListener("beforeprint", () => {
    if (stale) body.append(...ordered.map((row) => row.element));
    stale = false;
  });

  for (const heading of headings) {
    heading.firstElementChild.addEventListener("click", () => {
      const is = heading.getAttribute("aria-sort");
      sort(heading.dataset.key, is === "ascending" ? "descending" : "ascending");
    });
  }

  // Filters

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(again, 80);
  };
  const again = () => {
    clearTimeout(waiting);
    room = step;
    show();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "sort") return;
    if (event.target.tagName === "INPUT") soon();
    else again();
  });
  form.elements.sort.addEventListener("change", (event) => sort(...event.target.value.split(" ")));
  // A form takes its first values back after those who listen have been told.
  form.addEventListener("reset", () => setTimeout(() => sort("deadline", "ascending")));
  document.querySelector(".clear-all").addEventListener("click", () => {
    form.reset();
    form.elements.search.focus();
  });
  document.querySelector(".more-rows").addEventListener("click", (event) => {
    const before = ordered.filter((row) => !row.out && !row.more).length;
    room += step;
    show();
    if (event.detail !== 0) return;
    // By the keyboard: go on where the rows go on.
    const next = ordered.filter((row) => !row.out)[before];
    next?.element.querySelector("button, summary")?.focus();
  });

  // A link to a row leads there, whatever is hidden.
  const reveal = () => {
    const row = rows.find((one) => `#${one.element.id}` === location.hash);
    if (!row) return;
    if (row.out) {
      form.reset();
      form.elements.state.value = "";
    }
    room = Math.max(room, Math.ceil((ordered.indexOf(row) + 1) / step) * step);
    setTimeout(() => {
      room = Math.max(room, Math.ceil((ordered.indexOf(row) + 1) / step) * step);
      show();
      row.element.scrollIntoView({ block: "center" });
      row.element.querySelector("summary").focus({ preventScroll: true });
    });
  };
  addEventListener("hashchange", reveal);
  for (const link of document.querySelectorAll("a.find")) {
    link.addEventListener("click", () => {
      if (link.hash === location.hash) reveal();
    });
  }

  // Previews: one is heard at a time.

  const audio = new Audio();
  let current = null;
  const name = (button) => button.getAttribute("aria-label").replace(/^(Play|Pause) /, "");
  const mark = (button, state) => {
    if (!button) return;
    button.dataset.state = state;
    button.setAttribute("aria-label", `${state === "playing" ? "Pause" : "Play"} ${name(button)}`);
    if (state === "") button.style.removeProperty("--done");
  };
  const ended = () => {
    mark(current, "");
    current = null;
  };
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button.player");
    if (!button) return;
    if (button === current) {
      if (audio.paused) audio.play().catch(failed);
      else audio.pause();
      return;
    }
    mark(current, "");
    current = button;
    audio.src = button.dataset.url;
    audio.play().catch(failed);
  });
  const failed = (error) => {
    if (error.name === "AbortError") return;  // another one was asked for
    mark(current, "failed");
    if (current) current.title = "This preview cannot be played here";
    current = null;
  };
  audio.addEventListener("play", () => mark(current, "playing"));
  audio.addEventListener("pause", () => {
    if (!audio.ended) mark(current, "paused");
  });
  audio.addEventListener("ended", ended);
  audio.addEventListener("timeupdate", () => {
    if (current && audio.duration > 0)
      current.style.setProperty("--done", `${(audio.currentTime / audio.duration) * 360}deg`);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && current) audio.pause();
  });

  // What a browser has kept of the form from the last time is what the table shows.
  again();
  if (location.hash) reveal();
})();
