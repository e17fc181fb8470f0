import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { StartupError, Unavailable } from '../../errors.ts'
import { type Blobs, BlobTooLarge, namesOf, requireRange, within } from '../../ports/blobs.ts'

/** S3 takes no part below 5 MiB but the last, and 10,000 of them: 160 GiB for one blob. */
const PART_BYTES = 16 * 1024 ** 2
const PARTS_AT_ONCE = 2

export interface S3Options {
  readonly bucket: string
  readonly region: string
  /** Another server than Amazon's, for example `http://127.0.0.1:9000`; empty for Amazon's. */
  readonly endpoint: string
  /** Empty: what the AWS SDK finds by itself (environment, profile, role of the machine). */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Before every key, for a bucket that holds other things as well; empty or ending in `/`. */
  readonly prefix: string
}

/** Blobs as objects of a bucket. */
export function createS3Blobs(options: S3Options): Blobs {
  const { bucket, endpoint, accessKeyId, secretAccessKey, prefix } = options
  const client = new S3Client({
    region: options.region,
    ...(endpoint === '' ? {} : { endpoint, forcePathStyle: true }),
    ...(accessKeyId === '' ? {} : { credentials: { accessKeyId, secretAccessKey } }),
    // Servers that speak S3 do not all know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const at = (key: string) => {
    namesOf(key)
    return { Bucket: bucket, Key: `${prefix}${key}` }
  }

  return {
    name: 's3',
    async check() {
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }))
      } catch (cause) {
        throw new StartupError('blobs', `The bucket '${bucket}' of LICTOR_S3_BUCKET ${whyNot(cause)}`, cause)
      }
    },
    async put(key, source, { limit = Number.POSITIVE_INFINITY } = {}) {
      const place = at(key)
      let size = 0
      let failure: unknown = null
      async function* counted(): AsyncGenerator<Uint8Array> {
        try {
          for await (const chunk of within(source, limit)) {
            size += chunk.length
            yield chunk
          }
        } catch (error) {
          failure = error
          throw error
        }
      }
      const body = Readable.from(counted(), { objectMode: false, highWaterMark: 1024 * 1024 })
      const upload = new Upload({
        client,
        params: { ...place, Body: body },
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
        leavePartsOnError: false,
      })
      try {
        await upload.done()
      } catch (error) {
        body.destroy()
        throw failure instanceof BlobTooLarge ? failure : (failure ?? explained(error))
      }
      return { size }
    },
    async get(key, range) {
      const found = await head(key)
      if (!found) return null
      if (range) requireRange(range, found.size)
      if (found.size === 0) return { size: 0, content: Readable.from([]) }
      const bytes = range ? { Range: `bytes=${range.start}-${range.end}` } : {}
      const answer = await client.send(new GetObjectCommand({ ...at(key), ...bytes })).catch(nullIfMissing)
      return answer && { size: found.size, content: answer.Body as Readable }
    },
    head,
    async delete(key) {
      await client.send(new DeleteObjectCommand(at(key))).catch(nullIfMissing)
    },
    async *list(start) {
      let ContinuationToken: string | undefined
      do {
        const page = await client
          .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}${start}`, ContinuationToken }))
          .catch((error: unknown) => {
            throw explained(error)
          })
        for (const { Key = '', Size = 0 } of page.Contents ?? []) yield { key: Key.slice(prefix.length), size: Size }
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
    },
    async reap(before, key) {
      let count = 0
      const page = await client
        .send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: `${prefix}${key ?? ''}` }))
        .catch((error: unknown) => {
          throw explained(error)
        })
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || (Initiated?.getTime() ?? before) >= before) continue
        if (key !== undefined && Key !== `${prefix}${key}`) continue
        await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })).catch(nullIfMissing)
        count++
      }
      return count
    },
  }

  async function head(key: string): Promise<{ readonly size: number } | null> {
    const answer = await client.send(new HeadObjectCommand(at(key))).catch(nullIfMissing)
    return answer && { size: answer.ContentLength ?? 0 }
  }
}

function nullIfMissing(error: unknown): null {
  if (statusOf(error) === 404) return null
  throw explained(error)
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

const explained = (cause: unknown): Unavailable =>
  new Unavailable('The store of files does not answer. Try again shortly.', {
    cause,
    retryAfter: 5,
    code: 'blobs_unavailable',
  })

function whyNot(cause: unknown): string {
  switch (statusOf(cause)) {
    case 404:
      return 'does not exist. Make it, or correct the name.'
    case 403:
    case 401:
      return 'may not be used with LICTOR_S3_ACCESS_KEY_ID and LICTOR_S3_SECRET_ACCESS_KEY. Correct them, or the rights of the key.'
    case 301:
      return 'is in another region. Correct LICTOR_S3_REGION.'
    default:
      return `cannot be reached: ${(cause as Error).message}. Correct LICTOR_S3_ENDPOINT, or start the server there.`
  }
}
