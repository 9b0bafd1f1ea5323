const [size, rounds, ...dirs] = process.argv.slice(2);
const { parseTrainSize } = await import(`${dirs[0]}/bench/train.ts`);
const s = parseTrainSize(size);
const sets = await Promise.all(dirs.map(async d => { const e = await import(`${d}/engine/index.ts`), { deriveArchitecture, Llama } = await import(`${d}/lm/models/index.ts`);
  e.setPrecision('bf16'); const { config } = deriveArchitecture({ depth: s.layers, width: s.width, heads: s.heads, keyValueHeads: s.heads, intermediate: 0, context: s.context }, s.vocabulary);
  const random = new e.Random(1); const model = new Llama(config, random); const opt = new e.AdamW(model.parameters, { beta1: .9, beta2: .95, epsilon: 1e-8, weightDecay: .1 });
  const rows = s.batch*s.context; const ids = Int32Array.from({length:rows},()=>random.integer(s.vocabulary)), targets = Int32Array.from({length:rows},()=>random.integer(s.vocabulary));
  return () => { const t=performance.now(); e.scope(()=>{ model.parameters.zeroGradients(); const { loss } = model.loss(ids, targets, { batch: s.batch, length: s.context }); e.backward(loss); opt.step(3e-4,1); }); return performance.now()-t; }; }));
const t: number[][] = sets.map(()=>[]);
for (let r=0;r<Number(rounds)+2;r++) for (const [i,f] of sets.entries()) { const v=f(); if (r>1) t[i].push(v); }
const q=(a:number[],p:number)=>[...a].sort((p,q)=>p-q)[Math.floor(a.length*p)];
console.log(size, t.map(a=>`${q(a,.1).toFixed(0)}/${q(a,.5).toFixed(0)} ms, ${(s.batch*s.context/q(a,.5)*1000).toFixed(0)} tok/s`).join('  '),'speedup',t.slice(1).map(b=>q(b.map((v,k)=>t[0][k]/v),.5).toFixed(3)).join(' '));
