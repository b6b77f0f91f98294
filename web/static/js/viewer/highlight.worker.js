// Colours for code, away from the page: highlight.js makes a tree of it, and runs of text with their kind go back.
// Nothing of it is ever markup.

import hljs from "../../vendor/highlight/core.min.js";

onmessage = async ({ data: { text, language, size } }) => {
  const { default: grammar } = await import(`../../vendor/highlight/languages/${language}.min.js`);
  hljs.registerLanguage(language, grammar);
  const tree = hljs.highlight(text, { language, ignoreIllegals: true })._emitter.root;
  let [block, lines, runs] = [0, 0, []];
  const send = () => {
    postMessage({ block, runs });
    [block, lines, runs] = [block + 1, 0, []];
  };
  for (const [scope, run] of walk(tree, "")) {
    const parts = run.split("\n");
    parts.forEach((part, index) => {
      if (index) {
        lines += 1;
        if (lines === size) send();
        else runs.push(["", "\n"]);
      }
      if (part) runs.push([scope, part]);
    });
  }
  if (runs.length) send();
  postMessage({ block: null });
};

function* walk(node, above) {
  const scope = node.scope ? `hl-${node.scope.split(".")[0]}` : above;
  for (const child of node.children) {
    if (typeof child === "string") yield [scope, child];
    else yield* walk(child, scope);
  }
}
