// The Live page: new requests come as server-sent events and go on top of the list.
"use strict";

(() => {
  const MOST_ROWS = 300;
  const QUIET_MS = 1000;
  const list = document.getElementById("rows");
  const state = document.getElementById("live-state");
  const word = document.getElementById("live-word");
  const pause = document.getElementById("pause");
  const missed = document.getElementById("missed");
  const older = document.getElementById("older");
  if (!list.dataset.stream || !window.EventSource) return;

  const stream = new URL(list.dataset.stream, location.href);
  let source = null;
  let paused = false;
  let unseen = 0;
  let gaps = []; // ids above `after` and below `before` came too fast to be shown
  let filling = 0;

  function show(name) {
    state.hidden = false;
    state.className = `live-state ${{ live: "on", away: "away" }[name] || ""}`;
    word.textContent = state.dataset[name];
  }

  function open() {
    if (source || paused || document.hidden) return;
    source = new EventSource(stream);
    source.onopen = () => {
      show("live");
      fill();
    };
    source.onerror = () => show(source.readyState === EventSource.CLOSED ? "off" : "away");
    source.onmessage = (event) => take(event.lastEventId, JSON.parse(event.data));
  }

  // A browser keeps few connections to one server: a page that nobody sees gives its own back.
  function close() {
    if (source) source.close();
    source = null;
  }

  const idOf = (row) => Number(row.id.slice(1));

  function take(id, news) {
    const after = Number.parseInt(stream.searchParams.get("after"), 10);
    stream.searchParams.set("after", id);
    if (news.anew) {
      list.replaceChildren();
      gaps = [];
      unseen = 0;
    }
    list.insertAdjacentHTML("afterbegin", news.rows);
    for (let place = 0; place < news.count; place += 1) list.children[place].classList.add("new");
    if (news.missed) {
      const before = news.count ? idOf(list.children[news.count - 1]) : Number.parseInt(id, 10) + 1;
      gaps.unshift({ after: news.anew ? 0 : after, before });
      unseen += news.missed;
    }
    tidy();
    clearTimeout(filling);
    filling = setTimeout(fill, news.missed ? QUIET_MS : 0);
    if (news.count) say(list.dataset.said.replace("{number}", news.count)); // console.js
  }

  // The list keeps its newest rows; a link leads on to the others.
  function tidy() {
    while (list.children.length > MOST_ROWS) list.lastElementChild.remove();
    if (list.children.length === MOST_ROWS) {
      const last = idOf(list.lastElementChild);
      gaps = gaps.filter((gap) => gap.before > last);
      const link = new URL(older.href);
      link.searchParams.set("before", last);
      older.href = link;
      older.hidden = false;
    }
    if (list.children.length) document.getElementById("empty").hidden = true;
    if (!gaps.length) unseen = 0;
    missed.hidden = !unseen;
    missed.textContent = missed.dataset.text.replace("{number}", unseen);
    localTimes(list); // console.js
  }

  // After a burst: fetch what it left out, a page at a time, the newest gap first.
  async function fill() {
    if (!gaps.length || paused || document.hidden) return;
    const [gap] = gaps;
    const { before } = gap;
    const page = new URL(location.href);
    page.searchParams.set("before", before);
    const answer = await fetch(page).catch(() => null);
    if (!answer || !answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("#rows > li");
    if (gap !== gaps[0] || gap.before !== before) return; // filled, or gone, meanwhile
    const rows = [...found].filter((row) => idOf(row) > gap.after);
    const below = [...list.children].find((row) => idOf(row) < before) || null;
    for (const row of rows) list.insertBefore(document.adoptNode(row), below);
    if (rows.length && rows.length === found.length) gap.before = idOf(rows[rows.length - 1]);
    else gaps.shift();
    unseen = Math.max(0, unseen - rows.length);
    tidy();
    fill();
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.go : pause.dataset.pause;
    if (paused) {
      close();
      show("paused");
    } else {
      open();
    }
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
})();
