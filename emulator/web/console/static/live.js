// The Live page: new requests come as server-sent events and go on top of the list.
"use strict";

(() => {
  const MOST_ROWS = 300;
  const list = document.getElementById("rows");
  const state = document.getElementById("live-state");
  const word = document.getElementById("live-word");
  const pause = document.getElementById("pause");
  const missed = document.getElementById("missed");
  if (!list.dataset.stream || !window.EventSource) return;

  const stream = new URL(list.dataset.stream, location.href);
  let source = null;
  let paused = false;
  let unseen = 0;

  function show(name) {
    state.hidden = false;
    state.className = `live-state ${{ live: "on", away: "away" }[name] || ""}`;
    word.textContent = state.dataset[name];
  }

  function open() {
    if (source || paused || document.hidden) return;
    source = new EventSource(stream);
    source.onopen = () => show("live");
    source.onerror = () => show(source.readyState === EventSource.CLOSED ? "off" : "away");
    source.onmessage = (event) => take(event.lastEventId, JSON.parse(event.data));
  }

  // A browser keeps few connections to one server: a page that nobody sees gives its own back.
  function close() {
    if (source) source.close();
    source = null;
  }

  function take(id, news) {
    stream.searchParams.set("after", id);
    if (news.anew) list.replaceChildren();
    list.insertAdjacentHTML("afterbegin", news.rows);
    for (let place = 0; place < news.count; place += 1) list.children[place].classList.add("new");
    while (list.children.length > MOST_ROWS) list.lastElementChild.remove();
    if (list.children.length) document.getElementById("empty").hidden = true;
    if (news.missed) {
      unseen += news.missed;
      missed.hidden = false;
      missed.textContent = missed.dataset.text.replace("{number}", unseen);
    }
    if (news.count) say(list.dataset.said.replace("{number}", news.count)); // console.js
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
