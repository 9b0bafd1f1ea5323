/** The routes of contracts/files.ts as functions, and one upload as a query that ends when the file is read. */
import { type UploadedFile, uploadedFileSchema } from '@parley/contracts';
import { queryOptions } from '@tanstack/react-query';
import { request, requestNothing } from './request.ts';

const lookAgainMilliseconds = 400;

export function uploadFile(file: File, signal: AbortSignal): Promise<UploadedFile> {
  return request(`/api/files?name=${encodeURIComponent(file.name)}`, uploadedFileSchema, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: file,
    signal,
  });
}

/** Asks again until the file is read, or cannot be. */
export function fileQuery(uploaded: UploadedFile) {
  return queryOptions({
    queryKey: ['files', uploaded.id],
    queryFn: ({ signal }) => request(`/api/files/${uploaded.id}`, uploadedFileSchema, { signal }),
    initialData: uploaded,
    initialDataUpdatedAt: 0,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.state === 'reading' ? lookAgainMilliseconds : false),
    retry: 3,
  });
}

export function deleteFile(id: string): Promise<void> {
  return requestNothing(`/api/files/${id}`, { method: 'DELETE' });
}
