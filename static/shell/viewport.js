/** Where a phone's keyboard covers the page instead of resizing it, the page makes itself as high as is seen. */
export function fitToKeyboard() {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const fit = () => {
    const covered = innerHeight - viewport.height * viewport.scale > 80 && viewport.scale === 1;
    document.body.style.height = covered ? `${viewport.height}px` : "";
    if (covered) scrollTo(0, 0); // iOS pushes the page up to show the box; it is in sight already
  };
  viewport.addEventListener("resize", fit);
}
