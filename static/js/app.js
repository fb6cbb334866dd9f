// What every page starts: connection, header, banners, search, keys.

import { Banners } from "./banners.js";
import { MarketClock } from "./clock.js";
import { nextZone, onDisplay, setDisplay, switchTheme } from "./display.js";
import { announce, pageData } from "./dom.js";
import { Header } from "./header.js";
import { showKeys, startKeys } from "./keys.js";
import { openMenu } from "./menu.js";
import { Notices } from "./notices.js";
import { Replay } from "./replay.js";
import { Search } from "./search.js";
import { Connection } from "./socket.js";
import { guardWrites } from "./writes.js";

const TICK_MS = 250;

/**
 * Start a page. health(report) is called with each health report; follow adds the page's
 * own room or rooms ({page, event, url, take}); search as in search.js; keys are more shortcuts.
 */
export function start({ health = () => {}, follow = null, search = {}, keys = [] } = {}) {
  const data = pageData("page-data");
  setDisplay(data.display);
  const clock = new MarketClock();
  const header = new Header(clock);
  const connection = new Connection(window.io);
  const banners = new Banners(connection, header);
  const finder = new Search(data.pages, search);
  const replay = new Replay();

  const take = (report) => {
    if (!report?.clock) return; // without a login a report says no more than ok
    header.take(report);
    replay.take(report.replay);
    banners.draw();
    health(report);
  };
  if (data.health) {
    header.take(data.health);
    replay.take(data.health.replay);
    queueMicrotask(() => health(data.health)); // the page's own module ends first
  }
  connection.follow("health", { event: "update_health", url: "/api/health", take: (message) => take(message.health) });
  for (const each of [follow ?? []].flat()) connection.follow(each.page, each);
  const notices = new Notices(connection);
  connection.onState(() => banners.draw());
  guardWrites(connection);
  setInterval(() => {
    if (document.hidden) return;
    header.tick();
    banners.draw();
  }, TICK_MS);

  for (const button of document.querySelectorAll('[data-action="zone"]')) {
    button.addEventListener("click", () => { announce(nextZone()); header.tick(); });
  }
  onDisplay(() => header.draw());
  document.getElementById("theme-button")?.addEventListener("click", () => announce(`${switchTheme()} theme`));
  document.getElementById("help-button")?.addEventListener("click", () => showKeys(data.pages, keys));
  const more = document.getElementById("more-button");
  more?.addEventListener("click", () => openMenu(more, [
    ...data.pages.filter((page) => !document.querySelector(`.tabs a[href="${CSS.escape(page.path)}"]`))
      .map((page) => ({ label: page.label, href: page.path })),
    { label: "Switch theme", run: switchTheme },
    { label: "Switch time zone", run: () => { announce(nextZone()); header.tick(); } },
    { label: "Keyboard", run: () => showKeys(data.pages, keys) },
  ], "More"));
  startKeys({ pages: data.pages, search: finder, extra: keys });
  addEventListener("resize", () => header.draw());
  connection.start();
  return { data, clock, header, connection, banners, notices };
}
