// Pages with a form and nothing else: setting up, joining, a link's password.

import { startPasswordButtons } from "./password.js";

startPasswordButtons();
