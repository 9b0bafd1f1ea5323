import { formatShape, type Tensor } from '../tensor.ts';

/** The error of a shape rule: names the operation, every shape it was given and what would have fitted. */
export function shapeError(operation: string, given: Readonly<Record<string, Tensor>>, expected: string): RangeError {
  const shapes = Object.entries(given).map(([name, tensor]) => `${name} ${formatShape(tensor.shape)}`);
  return new RangeError(`${operation}: got ${shapes.join(', ')}; expected ${expected}.`);
}

/** Rows and columns of a matrix, or the operation's shape error if the tensor is none. */
export function matrixExtents(operation: string, name: string, matrix: Tensor): [rows: number, columns: number] {
  const [rows, columns] = matrix.shape;
  if (matrix.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw shapeError(operation, { [name]: matrix }, `${name} to have two dimensions`);
  }
  return [rows, columns];
}
