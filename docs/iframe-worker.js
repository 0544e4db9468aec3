// The search runs in a worker, which browsers do not start for pages that are read from a folder. There it runs in a frame.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(script) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc = `<script src="${script}"></script>`;
      this.inner = new Promise((resolve) => {
        this.frame.onload = () => {
          const inner = this.frame.contentWindow;
          inner.postMessage = (data) => this.send(this, data);
          resolve(inner);
        };
      });
      document.body.append(this.frame);
    }
    postMessage(data) { this.inner.then((inner) => this.send(inner, data)); }
    send(to, data) { to.onmessage?.({ data: structuredClone(data) }); } // neither side sees what the other does to it
    terminate() { this.frame.remove(); }
  };
}
