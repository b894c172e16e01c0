// The last step of a sign-in in a window of its own: tell the page that waits, and go.
import { tellSignedIn } from "./hold.js";

tellSignedIn();
window.close();
