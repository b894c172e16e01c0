// 中文。 A sentence stands in one of the two parts, never in both.
import frame from "./zh-frame.js";
import work from "./zh-work.js";

export default { ...frame, ...work };
