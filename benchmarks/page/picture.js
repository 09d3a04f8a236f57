// Put into the pages of both: takes a photo without a camera, sends it, and notes what is seen when. No part of the page.
globalThis.picture = {
  megabytes: 0,

  async take(width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    for (let at = 0; at < 60_000; at += 1) { // as much to see as in a garden
      context.fillStyle = `hsl(${(at * 47) % 360} 60% ${20 + (at % 60)}%)`;
      context.fillRect((at * 7919) % width, (at * 104729) % height, 3 + (at % 60), 3 + (at % 40));
    }
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    this.photo = new File([blob], "IMG_1.jpg", { type: "image/jpeg" });
    this.megabytes = blob.size / 1e6;
  },

  send() {
    const box = document.getElementById("body");
    const clipboardData = new DataTransfer();
    clipboardData.items.add(this.photo);
    box.value = "The garden";
    this.chosen = Date.now();
    box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    const look = () => {
      const shown = document.getElementById("attached")?.textContent ?? "One moment";
      if (shown.includes("One moment")) return requestAnimationFrame(look);
      this.prepared = Date.now();
      document.getElementById("composer").requestSubmit();
    };
    look();
  },

  watch() {
    const look = () => {
      const image = [...document.querySelectorAll("#list .file img")].at(-1);
      if (!image?.complete || !image.naturalWidth) return requestAnimationFrame(look);
      this.seen = Date.now();
    };
    look();
  },
};
