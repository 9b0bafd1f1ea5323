/**
 * A small test of retrieval: made-up documents of a shop, a library and a clinic in two languages, and questions in
 * the words of people who have not read them. A passage is right if it holds the words named. Written before the
 * search was tuned, and not changed to please it.
 */
export const retrievalDocuments: { name: string; text: string }[] = [
  {
    name: 'Lanterna shop handbook.md',
    text: `# Delivery
We ship from our warehouse in Graz on working days. Parcels inside Austria arrive after two days, parcels to other countries of the European Union after four to six days. Orders over 60 euros are sent free of charge; below that the postage is 4.90 euros.

Every parcel has a tracking number, which we mail to you in the evening. If nothing has moved for three days, write to us and we look for it.

# Returns
You can send any lamp back within 30 days, without giving a reason. Use the label in the box. We refund the price to the card that you paid with within five working days after the parcel has reached us. Opened light bulbs cannot be returned.

# Warranty
All lamps have a warranty of three years. It covers the electronics and the switch, but neither glass shades that broke nor the battery, which wears out with use. Keep the invoice: it is your proof.

# Aurora table lamp
The Aurora weighs 1.2 kilograms and is 38 centimetres tall. Its battery lasts for nine hours at full brightness and charges in three hours over USB-C. Touch the base to switch it on; hold the finger on it to dim the light.

# Polaris street lantern
The Polaris is made for gardens. Its housing is watertight to IP65 and bears frost down to minus 25 degrees. The motion sensor reaches eight metres and can be switched off below the lid.

# Contact
You reach the workshop by telephone from Monday to Thursday between nine and three o'clock. On Fridays we repair and do not answer the phone. Invoices and business customers are the matter of Mrs Novak in accounting.
`,
  },
  {
    name: 'Harbour library.txt',
    text: `Opening hours. The library opens at ten in the morning and closes at seven in the evening. On Saturdays it closes at two; on Sundays it stays shut. The return slot beside the door is open day and night.

Membership. A card costs 12 euros a year. Children and students read for nothing. Bring an identity card and a letter that shows where you live.

Borrowing. You may take ten books for four weeks and three films for one week. Books can be renewed twice unless somebody waits for them. The reading room's newspapers and the atlas collection do not leave the house.

Fees. A book that comes back late costs 20 cents for each day. Whoever loses a book pays for a new copy and 5 euros for the work.

Rooms. Study rooms for up to six people are free for members. Book them at the desk or by e-mail, at most two weeks ahead. Food is not allowed upstairs; the café on the ground floor serves until six.

Computers. The eight computers may be used for an hour a day. Printing costs 10 cents a page in black and 40 cents in colour. The wireless network is called HarbourGuest and needs no password.
`,
  },
  {
    name: '青竹诊所须知.md',
    text: `# 门诊时间
本诊所周一至周五上午八点到下午五点半看诊，周六只有上午，周日和法定节假日休息。急诊请直接前往市人民医院。

# 预约与取消
初诊需要提前三天通过电话或小程序预约。如果不能按时前来，请至少提前二十四小时告知，否则收取五十元的空号费。迟到超过十五分钟的，需要重新排队。

# 费用与医保
普通门诊挂号费为二十元，专家门诊为八十元。我们接受本市职工医保和居民医保；外地医保请先自费，再回参保地报销。可以使用微信、支付宝或现金付款，暂不支持信用卡。

# 检查须知
抽血检查要求空腹八小时，可以喝少量白水。做腹部超声之前两小时请喝水憋尿。检查报告一般在次日下午三点以后可以在手机上查看。

# 疫苗接种
流感疫苗每年九月开始接种，六岁以下儿童需要两针，间隔四周。接种后请在大厅观察三十分钟，当天不要洗澡或剧烈运动。

# 停车
院内只有十二个车位，仅供行动不便的患者使用。其他车辆请停在竹林路地下停车场，凭就诊单可免费两小时。
`,
  },
  {
    name: '云帆扫地机说明书.txt',
    text: `产品参数。云帆 S3 扫地机高九点六厘米，重三点四公斤，尘盒容量四百五十毫升，水箱容量三百毫升。电池为 5200 毫安时的锂电池，标准模式下可以连续工作一百五十分钟，充满电约需四个小时。

首次使用。撕掉保护膜，把充电座靠墙放在平整的地面上，左右各留半米空间。将机器放上充电座，指示灯变成绿色后即可开始使用。

连接网络。机器只支持 2.4GHz 的无线网络。同时按住回充键和启动键五秒，听到提示音后，在手机应用中添加设备。更换路由器之后需要重新配网。

清洁保养。滤网每两周用清水冲洗一次，晾干二十四小时后再装回，建议每三个月更换。主刷上缠绕的头发可以用附带的小刀割断。拖布请勿使用柔顺剂洗涤。

故障排除。机器原地打转，多半是前轮被异物卡住。吸力变弱时，请检查尘盒是否已满、滤网是否堵塞。如果无法回到充电座，请擦拭充电触点，并清除充电座前方的障碍物。红灯常亮表示电池温度过高，请静置半小时。

保修政策。整机保修一年，电池保修六个月，自签收之日起计算。人为进水、摔落和自行拆机不在保修范围内。寄修之前请先联系客服取得维修单号，往返运费由我们承担。
`,
  },
  {
    name: 'Team notes 会议记录.md',
    text: `# 3 March
Ines moves the release of version 2.4 to 18 March because the payment tests still fail. Tomas writes the announcement. 服务器迁移由小周负责，预计四月中旬完成。

# 10 March
The budget for travel is 8,000 euros this quarter; 5,200 are spent. 下次团建定在苏州，六月的第二个周末，由阿敏预订民宿。

# 17 March
We hire a second designer. Interviews are on Tuesdays at 14:00 in the glass room. 客户投诉主要集中在登录太慢，小周下周给出方案。
`,
  },
];

/** `answer` stands in the right passage and in no other. */
export const retrievalQuestions: { question: string; answer: string }[] = [
  { question: 'How long does shipping to Germany take? It is in the European Union.', answer: 'four to six days' },
  { question: 'From what amount is postage free?', answer: 'over 60 euros' },
  { question: 'My parcel does not move, what can I do?', answer: 'tracking number' },
  { question: 'When do I get my money back after a refund?', answer: 'refund the price' },
  { question: 'Is a broken glass shade covered?', answer: 'warranty of three years' },
  { question: 'How many hours does the battery of the Aurora last?', answer: 'nine hours' },
  { question: 'Can the Polaris stay outside in frost?', answer: 'minus 25' },
  { question: 'Who handles invoices for a business?', answer: 'Mrs Novak' },
  { question: 'When does the library close on Saturday?', answer: 'On Saturdays it closes at two' },
  { question: 'What does a library card cost for a year?', answer: '12 euros a year' },
  { question: 'How many books may I borrow at once?', answer: 'ten books' },
  { question: 'What is the fine per day for late books?', answer: '20 cents' },
  { question: 'How do I reserve a study room?', answer: 'at most two weeks ahead' },
  { question: 'Price of printing a colour page', answer: '40 cents in colour' },
  { question: 'password of the wifi network', answer: 'HarbourGuest' },
  { question: 'Why was the release of version 2.4 postponed?', answer: 'payment tests' },
  { question: 'How much of the travel budget is left?', answer: '5,200 are spent' },
  { question: '星期六下午看病吗？周六门诊几点开始？', answer: '周六只有上午' },
  { question: '忘了取消预约会罚多少钱？', answer: '空号费' },
  { question: '专家号的挂号费是多少？', answer: '专家门诊为八十元' },
  { question: '能用信用卡付款吗？', answer: '暂不支持信用卡' },
  { question: '抽血之前可以吃早饭吗？', answer: '空腹八小时' },
  { question: '小孩打流感疫苗要几针？', answer: '需要两针' },
  { question: '开车来看病停在哪里？停车免费多久？', answer: '竹林路地下停车场' },
  { question: '扫地机充满电要多长时间？', answer: '四个小时' },
  { question: '换了路由器以后怎么办？', answer: '重新配网' },
  { question: '滤网多久换一次？', answer: '每三个月更换' },
  { question: '机器一直原地转圈是什么原因？', answer: '前轮被异物卡住' },
  { question: '电池的保修期多长？', answer: '电池保修六个月' },
  { question: '送去维修的运费谁出？', answer: '往返运费由我们承担' },
  { question: '服务器什么时候迁移完？', answer: '四月中旬' },
  { question: '团建去哪个城市？', answer: '苏州' },
];
