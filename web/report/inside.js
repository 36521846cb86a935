/* Inside the network: masks as pictures, what is left of each layer and row, weights before and after,
 * and where the bytes of the packed file go. */
lopPage.part("inside", function (section, page) {
  "use strict";

  if (!page.networks.length) return null;
  return (block) => page.networksOf(block).length > 0;
});
