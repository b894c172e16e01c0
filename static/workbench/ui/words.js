// What a person reads when something was refused.
import { LANGUAGE, t } from "../lib/i18n.js";

const BY_CODE = {
  network_failed: () => (navigator.onLine ? t("We could not reach the server. Check your connection.") : t("You are offline. Try again when you are back.")),
  forbidden_deed: () => t("Your role does not allow that."),
  login_required: () => t("You are signed out. Sign in again to go on."),
  step_up_required: () => t("This needs a fresh sign-in."),
  unsupported_media_type: () => t("Files of this kind are not taken here."),
  checksum_mismatch: () => t("It arrived damaged. Send it again."),
  name_taken: () => t("There is something of that name already. Choose another."),
  limit_reached: () => t("There can be no more of these."),
  last_owner: () => t("A team needs an owner. Hand it over first."),
  already_member: () => t("This person is in the team already."),
  already_applied: () => t("You have an open application there."),
  already_decided: () => t("Somebody has decided this already."),
  invitation_over: () => t("This invitation has expired, was used up or was revoked."),
  precondition_failed: () => t("Somebody changed this in the meantime. Look at the new state, then try again."),
};
const BY_STATUS = {
  403: () => t("Your role does not allow that."),
  404: () => t("This does not exist, or you may not see it."),
  409: () => t("That does not fit the present state. Load the page again and look."),
  410: () => t("This is gone, or it has expired."),
  412: BY_CODE.precondition_failed,
  413: () => t("That is too large."),
  429: () => t("That was too often in a short time. Wait a moment."),
};

/** One sentence on `problem`. */
export function explain(problem) {
  const words = BY_CODE[problem.code] ?? BY_STATUS[problem.status];
  if (words) return words();
  if (problem.status === 400 || problem.status === 422) return t("Something is not right yet. Look at the fields.");
  if ([502, 503, 504].includes(problem.status)) return t("The service is not answering just now. Nothing is lost; try again in a moment.");
  return t("Something went wrong on our side. Try again in a moment.");
}

const COMPLAINTS = {
  missing: () => t("This must not be empty."),
  too_short: () => t("This is too short."),
  too_long: () => t("This is too long."),
  taken: () => t("This is taken already."),
  not_text: () => t("Write plain text; some signs cannot be used here."),
  malformed: () => t("This does not have the right form."),
  too_small: () => t("This is too small."),
  too_large: () => t("This is too large."),
};

/** What is wrong with a field, in the page's language; the server's words where we have none. */
export function complaint({ code, message }) {
  return COMPLAINTS[code]?.() ?? ((LANGUAGE === "en" && message) || t("This cannot be used."));
}
