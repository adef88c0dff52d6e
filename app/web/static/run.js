"use strict";
// Follows a run that goes on: its lines as they come, and the parts of the page whose state they change. Whatever comes
// is put in as text.
(() => {
  const run = document.getElementById("run");
  if (!run || run.dataset.going === undefined || !window.EventSource) return;
  const place = `/runs/${encodeURIComponent(run.dataset.run)}`;
  const announced = document.getElementById("announced");
  const MOST = 3000;
  const words = (outcome) => (outcome || "going on").replaceAll("-", " ");
  let last = Number(run.dataset.last);
  let known = null;
  let due = 0;

  const say = (text) => {
    const note = document.getElementById("following");
    if (note) {
      note.hidden = false;
      note.textContent = text;
    }
  };

  const sectionOf = (todo) => document.querySelector(`[data-todo="${CSS.escape(todo)}"]`) || document.querySelector('[data-todo=""]');

  const cell = (kind, name, text) => {
    const made = document.createElement(kind);
    if (name) made.className = name;
    made.textContent = text;
    return made;
  };

  const add = (line) => {
    if (line.id <= last && document.querySelector(`[data-line="${Number(line.id)}"]`)) return;
    last = Math.max(last, line.id);
    const box = sectionOf(line.todo_id).querySelector(".lines");
    const list = box.querySelector("ol");
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    const item = document.createElement("li");
    item.dataset.line = line.id;
    const time = cell("time", "", line.at.slice(11, 19));
    time.dateTime = line.at;
    item.append(time, " ", cell("span", "phase", line.phase), " ", cell("bdi", "told", line.text));
    list.append(item);
    while (list.children.length > MOST) list.firstChild.remove();
    // Who has scrolled up to read stays where they are.
    if (atEnd) box.scrollTop = box.scrollHeight;
  };

  const opened = (part) => new Map([...part.querySelectorAll("details[data-key]")].map((one) => [one.dataset.key, one.open]));

  const put = (fresh) => {
    for (const part of document.querySelectorAll("[data-part]")) {
      const other = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
      if (!other || other.innerHTML === part.dataset.shown) continue;
      // Nothing is taken away under the hands of who types or has something in focus.
      if (part.contains(document.activeElement) || [...part.querySelectorAll("textarea")].some((one) => one.value !== one.defaultValue)) {
        continue;
      }
      const shown = other.innerHTML;
      const open = opened(part);
      for (const one of other.querySelectorAll("details[data-key]")) {
        if (open.has(one.dataset.key)) one.open = open.get(one.dataset.key);
      }
      part.replaceChildren(...other.childNodes);
      part.dataset.shown = shown;
    }
  };

  const refresh = async () => {
    due = 0;
    try {
      const answer = await fetch(place, { headers: { "X-Followed": "1" }, credentials: "same-origin", redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      // TODOs that were not there when the page was made need the page as a whole.
      const there = (root) => root.querySelectorAll("article[data-todo]").length;
      if (there(fresh) !== there(document) && !document.activeElement?.closest("form")) {
        location.reload();
        return;
      }
      document.title = fresh.title;
      put(fresh);
    } catch {
      say("The page could not be brought up to date; it tries again.");
    }
  };

  const soon = (milliseconds) => {
    const at = Date.now() + milliseconds;
    if (due && due.at <= at) return;
    if (due) clearTimeout(due.timer);
    due = { at, timer: setTimeout(refresh, milliseconds) };
  };

  const changed = (standing) => {
    const news = [];
    for (const [todo, outcome] of Object.entries(standing.todos)) {
      if (known && outcome && known.todos[todo] !== outcome) news.push(`${sectionOf(todo).dataset.name}: ${words(outcome)}`);
    }
    if (standing.over && known && !known.over) news.push(`The run is over: ${words(standing.outcome)}`);
    if (news.length) announced.textContent = news.join(". ");
    if (known) soon(200);
    known = standing;
  };

  for (const box of document.querySelectorAll(".lines")) box.scrollTop = box.scrollHeight;
  const follow = () => {
    const source = new EventSource(`/api${place}/events?after=${last}`);
    source.onopen = () => say("Followed live.");
    source.onmessage = (event) => {
      add(JSON.parse(event.data));
      soon(5000);
    };
    source.addEventListener("standing", (event) => changed(JSON.parse(event.data)));
    source.addEventListener("end", () => {
      source.close();
      say("The run is over.");
      soon(200);
    });
    source.onerror = () => {
      say("The connection is interrupted; it is taken up again.");
      // A browser comes back by itself, but not to who said no.
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, 30000);
    };
  };
  follow();
})();
