import { Markdown } from '../chat/markdown.tsx';

interface ReportTextProps {
  text: string;
  /** Of the heading that it stands under. */
  below: 2 | 3;
}

/** A run's report without its title, which the page has, and without its charts, which the page draws itself. */
export function ReportText({ text, below }: ReportTextProps) {
  const body = text.replace(/^# .*\n/, '').replace(/!\[[^\]]*\]\([^)]*\)/g, '');
  return (
    <div className="overflow-x-auto text-sm">
      {/* Its highest headings are of level 2, since the title is gone. */}
      <Markdown text={body} headingLevel={below} />
    </div>
  );
}
