// A short sound made on the spot: two tones, three for what is urgent. Hidden tabs play it too.

const TONES = { info: [660], warn: [660, 880], urgent: [880, 660, 880] };
const TONE_S = 0.16;
const LOUD = 0.12;

let audio = null;

/** Browsers let a page sound only after a click or key on it: call this from such an event. */
export function unlock() {
  if (!audio && "AudioContext" in window) audio = new AudioContext();
  if (audio?.state === "suspended") audio.resume().catch(() => {}); // the next click tries again
}

/** True when a sound would be heard now. */
export const isAudible = () => audio?.state === "running";

/** Play the tones of a severity; false when the browser does not let this page sound yet. */
export function chime(severity) {
  if (!isAudible()) return false;
  let at = audio.currentTime;
  for (const pitch of TONES[severity] ?? TONES.info) {
    const tone = new OscillatorNode(audio, { frequency: pitch, type: "sine" });
    const gain = new GainNode(audio, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUD, at + 0.015); // no click at either end
    gain.gain.setValueAtTime(LOUD, at + TONE_S - 0.05);
    gain.gain.linearRampToValueAtTime(0, at + TONE_S);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + TONE_S);
    at += TONE_S;
  }
  return true;
}
