// The shell: what stands around every view. It starts the parts, and nothing here knows what they do.

import { ROOT, setHooks } from "./core/api.js";
import { $ } from "./core/dom.js";
import * as events from "./core/events.js";
import * as keys from "./core/keys.js";
import * as router from "./core/router.js";
import { allTexts } from "./core/text.js";
import { startAccountMenu } from "./shell/account.js";
import { startBanner } from "./shell/banner.js";
import { profile, refresh } from "./shell/profile.js";
import { pinLinks, startNavigation } from "./shell/navigation.js";
import { startNewMenu } from "./shell/new.js";
import { startSearchBox } from "./shell/search-box.js";
import { prove, signIn, startSession } from "./shell/session.js";
import { startStorageBar } from "./shell/storage.js";
import { STARTERS, VIEWS } from "./views.js";

const body = document.body.dataset;
const context = { serverName: body.serverName, username: body.username, isAdmin: body.admin === "true", profile, root: ROOT };

pinLinks();
setHooks({ signIn, prove });
startSession();
keys.useLetters(body.shortcuts === "true");
keys.listen();
startNavigation();
startNewMenu();
startAccountMenu(context);
startSearchBox();
startBanner();
startStorageBar(profile);
const views = context.isAdmin ? VIEWS : Object.fromEntries(Object.entries(VIEWS).filter(([name]) => name !== "admin"));
events.start(); // before the first view asks for anything: nothing that changes meanwhile is missed
events.onChange(refresh);
await Promise.all([router.start({ views, container: $("#view"), context }), refresh()]);
document.documentElement.dataset.stands = "true";
await allTexts();
for (const load of STARTERS) load().then(({ start }) => start(context));
document.documentElement.dataset.ready = "true";
