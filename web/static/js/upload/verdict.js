// What is to be done with a file, seeing what has its name already.

const SAME_TIME_MS = 2000; // some file systems keep no finer times

/** @returns {"new" | "same" | "differs"} */
export function compare({ size, mtimeMs }, existing) {
  if (existing === null) return "new";
  if (existing.kind !== "file" || existing.size !== size) return "differs";
  return Math.abs(existing.mtime_ms - mtimeMs) <= SAME_TIME_MS ? "same" : "differs";
}

/** What the person may choose where a name is taken: a folder is not replaced by a file. */
export function choicesFor(existing) {
  return existing.kind === "file" ? ["rename", "replace", "skip"] : ["rename", "skip"];
}
