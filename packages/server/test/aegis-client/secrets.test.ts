import { ConflictError, NotFoundError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { call, scriptEnvironment } from '../runtime.ts'
import { driveGroup } from './driven.ts'

driveGroup('secrets', (open) => {
  it('a secret from its first version to its removal', async () => {
    const { client } = await open()
    const written = await client.writeSecret('db/password', { value: 'one', encoding: 'plaintext' })
    expect(written).toMatchObject({ path: 'db/password', status: 'written', version: 1 })
    expect(await client.getSecret('/db//password')).toMatchObject({ value: 'one', path: 'db/password', version: 1 })
    await client.writeSecret('db/password', { value: 'two', expected_version: 1 })
    await expect(client.writeSecret('db/password', { value: 'x', expected_version: 1 })).rejects.toThrow(ConflictError)
    await expect(client.writeSecret('db/password', { value: 'x', expected_version: 0 })).rejects.toThrow(ConflictError)
    expect([(await client.getSecret('db/password')).value, (await client.getSecret('db/password', 1)).value]).toEqual([
      'two',
      'one',
    ])
    await client.writeSecret('web', { data: { user: 'ann', pass: 'x' } })
    expect(await client.getSecret('web')).toMatchObject({
      data: { user: 'ann', pass: 'x' },
      fields: ['user', 'pass'],
      encoding: 'plaintext',
    })
    const bytes = Buffer.from([0, 255, 10]).toString('base64')
    await client.writeSecret('key.bin', { value: bytes, encoding: 'base64' })
    expect(await client.getSecret('key.bin')).toMatchObject({ value: bytes, encoding: 'base64' })
    const listed = await client.listSecrets()
    expect(listed.secrets.map(({ name, path, version }) => [name, path, version])).toEqual([
      ['db/password', 'db/password', 2],
      ['key.bin', 'key.bin', 1],
      ['web', 'web', 1],
    ])
    expect((await client.listSecrets('db/')).count).toBe(1)
    expect(await client.destroySecretVersion('db/password', 1)).toMatchObject({ status: 'destroyed' })
    expect((await client.listSecretVersions('db/password')).versions.map((one) => [one.version, one.state])).toEqual([
      [2, 'live'],
      [1, 'destroyed'],
    ])
    await expect(client.getSecret('db/password', 1)).rejects.toThrow(NotFoundError)
    expect((await client.getSecret('db/password')).value).toBe('two')
    expect(await client.deleteSecret('db/password')).toMatchObject({ status: 'deleted' })
    for (const gone of [
      () => client.getSecret('db/password'),
      () => client.deleteSecret('db/password'),
      () => client.listSecretVersions('db/password'),
    ])
      await expect(gone()).rejects.toMatchObject({
        status: 404,
        body: { error: 'Secret not found', path: 'db/password' },
      })
  })

  it('an agent is given the value of when it starts, and it is masked in what is told', async () => {
    const show = call('run_command', { command: 'echo "$PASS"; printf %s "$PASS" | wc -c' })
    const { client } = await open({
      environment: { ...scriptEnvironment([show, { text: 'Done.' }]), LICTOR_SANDBOX: 'process' },
    })
    await client.writeSecret('db/password', { value: 'correct-horse' })
    const agent = { name: 'worker', language: 'javascript', version: '20', instruction: 'x', tools: ['run_command'] }
    const { id: agentId } = await client.deployAgent({ ...agent, env: { PASS: 'secret:db/password' } })
    const told = async () => {
      const { id } = await client.startExecution(agentId, 'go')
      const events: unknown[] = []
      for await (const { data } of client.streamExecution(id)) events.push(data)
      return JSON.stringify(events)
    }
    const first = await told()
    expect(first).toContain('***')
    expect(first).toMatch(/\D13\D/)
    expect(first).not.toContain('correct-horse')
    await client.writeSecret('db/password', { value: 'battery' })
    expect(await told()).not.toContain('battery')
    await client.deleteSecret('db/password')
    expect(await told()).toContain('execution_failed')
  })

  it('values are for those who may read them, of their own tenant, and each read is in the audit log', async () => {
    const { t, client, account } = await open()
    await client.writeSecret('k', { value: 'hidden' })
    const lister = await account({ scopes: ['secret:list'] })
    expect((await lister.listSecrets()).secrets.map(({ name }) => name)).toEqual(['k'])
    await expect(lister.getSecret('k')).rejects.toMatchObject({ status: 403, body: { required: 'secret:read' } })
    const elsewhere = await account({}, await t.otherTenant())
    await expect(elsewhere.getSecret('k')).rejects.toThrow(NotFoundError)
    await elsewhere.writeSecret('k', { value: 'theirs' })
    expect((await client.getSecret('k')).value).toBe('hidden')
    const shown = await t.request({ method: 'GET', url: '/api/v1/events?limit=50', headers: await t.admin() })
    const reads = (shown.json() as { tool_name: string; verdict: string }[]).filter(
      ({ tool_name }) => tool_name === 'secret.read',
    )
    expect(reads.map(({ verdict }) => verdict)).toEqual(['call_allowed'])
    expect(shown.body).not.toContain('hidden')
    await expect(client.writeSecret('a?b', { value: 'x' })).rejects.toMatchObject({ status: 422 })
  })
})
