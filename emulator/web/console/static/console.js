// What every page does: copy buttons, questions before something is lost, keys, local times. Pages work without it.
"use strict";

const said = document.getElementById("said");

function say(text) {
  said.textContent = text;
}

// Times in the browser's zone, which a title names; with the date where the page had it or it is not today.
function localTimes(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shifted = (at) => new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, -1).split("T");
  const [today] = shifted(new Date());
  for (const one of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(one.dateTime);
    const [date, clock] = shifted(at);
    const minutes = Math.abs(at.getTimezoneOffset());
    const offset = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
    const written = one.textContent;
    const short = written.includes(".") ? clock : clock.slice(0, 8);
    one.textContent = date === today && !/^\d{4}-/.test(written) ? short : `${date} ${short}`;
    one.title = `${zone}, UTC${at.getTimezoneOffset() > 0 ? "-" : "+"}${offset} · ${one.dateTime}`;
    one.dataset.local = "";
  }
}

localTimes(document);

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "sr";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// Where a table has no room, its rows stand as lists of cells, each behind the name of its column.
function nameCells(table) {
  const heads = [...table.tHead.rows[0].cells].map((head) => (head.classList.contains("act") ? "" : head.textContent));
  for (const row of table.tBodies[0].rows) {
    let place = 0;
    for (const cell of row.cells) {
      if (cell.textContent.trim()) cell.dataset.head = heads[place];
      place += cell.colSpan;
    }
  }
}

const wideTables = [...document.querySelectorAll(".scroll > table:not(.card table)")];
wideTables.forEach(nameCells);

function fitTables() {
  for (const table of wideTables) {
    table.classList.remove("tight", "listed");
    for (const step of ["tight", "listed"]) { // Its cells wrap first.
      if (table.parentElement.scrollWidth > table.parentElement.clientWidth) table.classList.add(step);
    }
  }
}

window.addEventListener("resize", fitTables);
document.addEventListener("toggle", fitTables, true);
fitTables();

// On a phone, filters are closed until they are wanted.
const narrow = matchMedia("(max-width: 40rem)");
function fold() {
  for (const one of document.querySelectorAll("details.fold")) one.open = !narrow.matches;
}
narrow.addEventListener("change", fold);
fold();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const { copy, copyText: given, copyUrl } = button.dataset;
  // The page may show less than what is wanted: secrets are hidden there.
  const text = given ?? (copyUrl ? await (await fetch(copyUrl)).text() : document.getElementById(copy).textContent);
  await copyText(text);
  const before = button.textContent;
  say(button.textContent = "✓");
  setTimeout(() => { button.textContent = before; }, 1200);
});

// A secret stands masked until it is asked for.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-show]");
  if (!link) return;
  event.preventDefault();
  document.getElementById(link.dataset.show).textContent = await (await fetch(link.href)).text();
  link.remove();
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  const marked = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (marked) {
    event.preventDefault();
    marked.focus();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll(".row")];
    const place = rows.indexOf(document.activeElement) + (event.key === "j" ? 1 : -1);
    if (rows[place]) rows[place].focus();
  }
});
