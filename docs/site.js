// What the theme adds to a page for a keyboard and a screen reader: wide tables are tab stops, and a block's button is no part of the navigation.
new MutationObserver(() => {
  for (const wrapped of document.querySelectorAll(".md-typeset__scrollwrap")) wrapped.tabIndex = 0;
  for (const buttons of document.querySelectorAll(".md-code__nav")) buttons.role = "none";
}).observe(document.body, { childList: true, subtree: true });
