// On to the application once its frames have loaded, or three seconds have passed; without scripts
// the button does.
const back = document.querySelector('a[data-after-frames]');
if (back) {
  const frames = [...document.querySelectorAll('iframe')];
  const loaded = frames.map((frame) => new Promise((done) => frame.addEventListener('load', done)));
  const patience = new Promise((done) => setTimeout(done, 3000));
  Promise.race([Promise.all(loaded), patience]).then(() => location.replace(back.href));
}
