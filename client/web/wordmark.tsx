const faviconUrl = new URL('./favicon.svg', import.meta.url).href;

export function Wordmark() {
  return (
    <span class="wordmark">
      <img src={faviconUrl} alt="" width="28" height="28" /> Gradswarm
    </span>
  );
}
