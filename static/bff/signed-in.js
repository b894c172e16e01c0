// The last step of a sign-in in a window of its own: tell the page that waits, and go.
import { tellSignedIn } from "./hold.js";

tellSignedIn();
// Browsers let a script close what a script has opened; anybody else reads that they may.
if (window.name) window.close();
