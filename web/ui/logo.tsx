/** Two voices that answer each other. */
export function Logo({ size = 24, className }: { size?: number; className?: string }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} className={className} aria-hidden="true">
      <path
        className="fill-accent"
        d="M13 3C7 3 2.500 7 2.500 12.200c0 2.600 1.100 4.900 3 6.600L4.600 23.400c-.1.700.6 1.200 1.200.9l4.700-2.400c.8.200 1.700.2 2.500.2 6 0 10.500-4.100 10.500-9.400S19 3 13 3Z"
      />
      <path
        fill="#e0a458"
        d="M25.700 12.900c.1 6.600-5.500 11.700-12.500 11.900 1.700 2.500 4.800 4.100 8.300 4.100.6 0 1.300-.1 1.900-.2l3.700 1.900c.6.3 1.200-.2 1.200-.8l-.5-3.600c1.500-1.400 2.400-3.200 2.400-5.300 0-3.400-1.700-6.400-4.500-8Z"
      />
    </svg>
  );
}
