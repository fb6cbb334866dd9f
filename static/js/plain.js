// A page without a part of its own: the header, the keys and the connection.

import { start } from "./app.js";

start();
